package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestTheNoteOfEveryCategorySaysWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	c, err := Embedded()
	require.NoError(t, err)
	for _, category := range schema.Categories {
		require.Regexp(t, `^[A-Z][^.]+\. .*Left out( of each call)?: .+\.$`, c.Note(category), category)
	}
	require.Equal(t, "The phone numbers of the account, released ones included. Left out: the PIN that lets a number be moved to another carrier, and what the number costs us.", c.Note("phoneNumbers"))
	require.Panics(t, func() { c.Note("nothing") })
}

func TestANoteEndsBeforeTheQuery(t *testing.T) {
	t.Parallel()
	q, problems := lintCategory("x.sql", []byte("-- One.\n--\n-- Two.\n\nselect -- three\n c.id as _key, -- four\n c.sid as \"sid\" -- five\nfrom t c where c.account_sid = $1 -- six\n"))
	require.Empty(t, problems)
	require.Equal(t, "One. Two.", q.note)
	q, _ = lintCategory("x.sql", []byte("select c.id as _key from t c where c.account_sid = $1"))
	require.Empty(t, q.note)
}

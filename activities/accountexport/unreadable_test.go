package accountexport_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/activities/accountexport"
	"satchel/dev/demo"
	"satchel/schema"
)

func TestAKeyThatComesTwiceFailsTheCategoryAtOnceByName(t *testing.T) {
	r := newFixture(t, demo.With{}, map[schema.Category]int64{"contacts": 10})
	r.confirm()
	duplicates := r.platformWith("contacts.sql", `c.id as _key`, `'k' || c.id / 2 as _key`)
	r.Source = duplicates
	err := r.collect("contacts")
	require.True(t, nonRetryable(t, err))
	require.ErrorContains(t, err, "category contacts")
	require.NotRegexp(t, `"k\d+"`, err.Error(), "no key stands in a history")

	// The worker's log has the key.
	err = duplicates.ReadCategory(t.Context(), "contacts", r.account.AccountSID, "", func(_ time.Time, rows schema.RecordReader) error {
		for {
			if _, err := rows.AppendRow(nil); err != nil {
				return err
			}
		}
	})
	require.ErrorContains(t, err, "category contacts")
	require.Regexp(t, `key "k\d+"`, err.Error())

	// The customer's e-mail and page have the category.
	require.NoError(t, r.run(r.RemoveArchive, accountexport.RemoveArchiveInput{Export: r.export, Account: r.account.AccountSID,
		Ending: schema.Ending{Status: schema.Failed, Reason: schema.ReasonFailed("contacts"), Category: "contacts"}}, nil))
	e, err := r.store.Export(t.Context(), r.export)
	require.NoError(t, err)
	require.Equal(t, "We could not read your contacts. Please request a new export.", e.Reason)
}

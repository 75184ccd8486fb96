package store

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheQuotaErrorCountsInPlainEnglish(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		days, left, limit int
		want              string
	}{
		{1, 0, 366, "The job requests 1 day, but only 0 of the 366 days that an account and its subaccounts can request per UTC day are left today."},
		{3, 1, 366, "The job requests 3 days, but only 1 of the 366 days that an account and its subaccounts can request per UTC day is left today."},
		{3, 2, 5, "The job requests 3 days, but only 2 of the 5 days that an account and its subaccounts can request per UTC day are left today."},
	} {
		require.Equal(t, c.want, quotaExceeded(c.days, c.left, c.limit).Message)
	}
}

package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheFirstOutcomeOfAnEmailStaysUnlessItIsSentAfterAll(t *testing.T) {
	s, o := open(t), newExport()
	require.NoError(t, s.OpenExport(t.Context(), o))
	for _, c := range []struct {
		emailKey string
		sent     bool
	}{{"ready/US1/1", true}, {"ready/US1/1", false}, {"ready/US2/1", false}, {"ready/US3/1", false}, {"ready/US3/1", true}} {
		require.NoError(t, s.RecordEmailOutcome(t.Context(), o.Export, c.emailKey, c.sent))
	}
	outcomes, err := s.EmailOutcomes(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"ready/US1/1": true, "ready/US2/1": false, "ready/US3/1": true}, outcomes)
}

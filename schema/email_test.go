package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestAnEmailHasOneKeyForEachKindPersonAndLinkVersion(t *testing.T) {
	require.Equal(t, "confirmation/US1/2", schema.EmailKey(schema.ConfirmationEmail, "US1", 2))
}

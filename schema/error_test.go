package schema_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestAnErrorHasAKindACodeAndASentence(t *testing.T) {
	err := schema.Errorf(schema.Limited, schema.CodeQuota, "%d days remain.", 2)
	require.Equal(t, &schema.Error{Kind: schema.Limited, Code: "quota", Message: "2 days remain."}, err)
	require.EqualError(t, err, "2 days remain.")
	require.Equal(t, schema.Limited, schema.KindOf(fmt.Errorf("open job: %w", err)))
	require.Empty(t, schema.KindOf(errors.New("unknown")))
	require.Empty(t, schema.KindOf(nil))
}

func TestTheCauseOfAnErrorIsForTheLog(t *testing.T) {
	cause := errors.New("connection refused")
	err := &schema.Error{Kind: schema.Unavailable, Message: "Please try again.", Cause: cause}
	require.EqualError(t, err, "Please try again.: connection refused")
	require.ErrorIs(t, err, cause)
	require.Equal(t, "Please try again.", err.Message)
}

func TestAParameterHasItsOwnCode(t *testing.T) {
	require.Equal(t, "invalid_EndDay", schema.CodeInvalid("EndDay"))
}

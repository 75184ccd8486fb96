package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

// What is sealed for one purpose cannot be opened for another.
func TestWhatIsSealedIsBoundToItsJobOrType(t *testing.T) {
	purposes := map[string]bool{schema.SealedToken: true, schema.SealedJob(schema.NewJobID()): true, schema.SealedJob(schema.NewJobID()): true}
	for _, resourceType := range schema.ResourceTypes {
		purposes[schema.SealedChange(resourceType)] = true
	}
	require.Len(t, purposes, 3+len(schema.ResourceTypes))
}

package schema_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestReadingsTellEveryInstantAndTheRecordItBeginsWith(t *testing.T) {
	first := time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC)
	later, last := first.Add(time.Minute), first.Add(time.Hour)
	piece := func(records int64, at time.Time) schema.Piece { return schema.Piece{Records: records, ReadAt: at} }
	for name, c := range map[string]struct {
		section schema.Section
		want    []schema.Reading
	}{
		"empty":          {schema.Section{EndReadAt: first}, []schema.Reading{{0, first}}},
		"at once":        {schema.Section{Pieces: []schema.Piece{piece(5, first), piece(3, first)}, EndReadAt: first}, []schema.Reading{{0, first}}},
		"resumed":        {schema.Section{Pieces: []schema.Piece{piece(5, first), piece(3, later)}, EndReadAt: later}, []schema.Reading{{0, first}, {5, later}}},
		"end seen later": {schema.Section{Pieces: []schema.Piece{piece(5, first)}, EndReadAt: last}, []schema.Reading{{0, first}, {5, last}}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, c.section.Readings())
			require.Equal(t, first, c.section.ReadAt())
		})
	}
}

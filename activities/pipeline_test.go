package activities_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/activities"
)

// numbers are rows that count from 1, with keys, and then fail.
type numbers struct {
	next, last int
	then       error
}

func (n *numbers) AppendRow(dst []byte) ([]byte, error) {
	if n.next == n.last {
		return append(dst, "unfinished"...), n.then
	}
	n.next++
	return fmt.Appendf(dst, "%d", n.next), nil
}

func (n *numbers) Key() string { return fmt.Sprint(n.next) }

// collected keeps what it is given, as pieces.
type collected struct {
	pieces   []string
	text     bytes.Buffer
	first    string
	last     string
	records  int64
	finished bool
	fail     error
}

func (c *collected) Compress(_ context.Context, chunk *activities.Chunk) error {
	if c.first == "" {
		c.first = chunk.FirstKey
	}
	c.last = chunk.LastKey
	c.records += chunk.Records
	c.text.Write(chunk.Text)
	if chunk.EndsPiece {
		c.pieces = append(c.pieces, c.text.String())
		c.text.Reset()
	}
	return c.fail
}

func (c *collected) Finish(context.Context) error {
	c.finished = true
	return nil
}

func TestRecordsAreFramedAndCutIntoPieces(t *testing.T) {
	var c collected
	p := activities.Pipeline{Framing: activities.Framing{First: "[", Between: ","}, PieceSize: 100}
	rows := &numbers{last: 1000, then: io.EOF}
	p.Key = rows.Key
	require.NoError(t, p.Run(t.Context(), rows, &c))
	require.True(t, c.finished)
	require.EqualValues(t, 1000, c.records)
	require.Equal(t, "1", c.first)
	require.Equal(t, "1000", c.last)
	require.Greater(t, len(c.pieces), 30)
	text := strings.Join(c.pieces, "") + c.text.String()
	require.True(t, strings.HasPrefix(text, "[1,2,3,"), text[:20])
	require.True(t, strings.HasSuffix(text, ",999,1000"))

	c = collected{}
	require.NoError(t, activities.Pipeline{Framing: activities.Framing{After: "\n"}}.Run(t.Context(), &numbers{last: 3, then: io.EOF}, &c))
	require.Equal(t, "1\n2\n3\n", c.text.String())
	require.Empty(t, c.pieces)
}

func TestWhatWasReadBeforeAnErrorIsFinished(t *testing.T) {
	broken := errors.New("broken")
	var c collected
	p := activities.Pipeline{Framing: activities.Framing{After: "\n"}, PieceSize: 1}
	require.ErrorIs(t, p.Run(t.Context(), &numbers{last: 5, then: broken}, &c), broken)
	require.True(t, c.finished)
	require.Equal(t, []string{"1\n", "2\n", "3\n", "4\n", "5\n"}, c.pieces)
}

func TestAFailingCompressorStopsTheReader(t *testing.T) {
	full := errors.New("full")
	c := collected{fail: full}
	endless := &numbers{last: -1}
	require.ErrorIs(t, activities.Pipeline{}.Run(t.Context(), endless, &c), full)
	require.False(t, c.finished)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, activities.Pipeline{}.Run(ctx, &numbers{last: 3, then: io.EOF}, &collected{}), context.Canceled)
}

package schema

import (
	"errors"
	"slices"
	"time"
)

// Piece is one immutable object that a collector wrote, as the ledger holds it.
type Piece struct {
	Category  Category  `db:"category"`
	Seq       int       `db:"seq"`
	ObjectKey string    `db:"object_key"`
	Records   int64     `db:"records"`
	TextBytes int64     `db:"text_bytes"` // of JSON text
	GzipBytes int64     `db:"gzip_bytes"` // of the deflate stream inside the seal
	SHA256    string    `db:"sha256"`     // hex, of that deflate stream
	FirstKey  string    `db:"first_key"`
	LastKey   string    `db:"last_key"` // the next piece begins after it
	ReadAt    time.Time `db:"read_at"`
}

// Checkpoint is how far a category has been collected, as the ledger holds it.
type Checkpoint struct {
	Done    bool   `db:"done"`
	Records int64  `db:"records"`
	Bytes   int64  `db:"bytes"`
	Pieces  int    `db:"pieces"`
	LastKey string `db:"last_key"` // "" is the beginning
}

// Section is one category of the archive.
type Section struct {
	Category  Category
	Records   int64
	Pieces    []Piece
	EndReadAt time.Time // of the snapshot in which no further record followed
}

// Reading says that the records of a section from number From on, counted from 0, were
// read as of ReadAt, until the next Reading. The last one has From = the number of
// records if its snapshot showed no further record.
type Reading struct {
	From   int64     `json:"from"`
	ReadAt time.Time `json:"readAt"`
}

// Readings returns every snapshot that the section was read in, in the order of its
// records. There are several after a collector was interrupted.
func (s Section) Readings() []Reading {
	var all []Reading
	add := func(from int64, at time.Time) {
		if len(all) == 0 || !all[len(all)-1].ReadAt.Equal(at) {
			all = append(all, Reading{From: from, ReadAt: at.UTC()})
		}
	}
	var records int64
	for _, p := range s.Pieces {
		add(records, p.ReadAt)
		records += p.Records
	}
	add(records, s.EndReadAt)
	return all
}

// ReadAt returns the oldest of those instants.
func (s Section) ReadAt() time.Time {
	return slices.MinFunc(s.Readings(), func(a, b Reading) int { return a.ReadAt.Compare(b.ReadAt) }).ReadAt
}

// ErrStaleAttempt means that another attempt has progressed further, or that what
// was read is too old to be used. A retry starts from what the database holds.
var ErrStaleAttempt = errors.New("another attempt has gone further")

package schema

import (
	"errors"
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
	Category Category
	Records  int64
	ReadAt   time.Time
	Pieces   []Piece
}

// ErrStaleAttempt means that another attempt has progressed further, or that what
// was read is too old to be used. A retry starts from what the database holds.
var ErrStaleAttempt = errors.New("another attempt has gone further")

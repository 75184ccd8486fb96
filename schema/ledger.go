package schema

import (
	"errors"
	"time"
)

// Piece is one immutable object a collector wrote, as the ledger counts it.
type Piece struct {
	Category  Category  `db:"category"`
	Seq       int       `db:"seq"`
	ObjectKey string    `db:"object_key"`
	Records   int64     `db:"records"`
	TextBytes int64     `db:"text_bytes"` // of JSON text
	GzipBytes int64     `db:"gzip_bytes"` // of the deflate stream inside the seal
	SHA256    string    `db:"sha256"`     // hex, of that deflate stream
	FirstKey  string    `db:"first_key"`
	LastKey   string    `db:"last_key"` // the next piece begins behind it
	ReadAt    time.Time `db:"read_at"`
}

// Place is where a category's collector has come to in the ledger.
type Place struct {
	Done    bool   `db:"done"`
	Records int64  `db:"records"`
	Bytes   int64  `db:"bytes"`
	Pieces  int    `db:"pieces"`
	LastKey string `db:"last_key"` // "" is the beginning
}

// Section is one category as the archive will hold it.
type Section struct {
	Category Category
	Records  int64
	ReadAt   time.Time
	Pieces   []Piece
}

// ErrOvertaken says that another attempt at a category has gone further, or
// that its export wants no more pieces. Whoever goes on reads the ledger again.
var ErrOvertaken = errors.New("another attempt has gone further")

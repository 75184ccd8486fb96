package schema

// RecordReader reads records as JSON text, one at a time and in key order.
type RecordReader interface {
	// Expected returns how many records there are in total, exactly or as an
	// estimate. It may be called until the first record is appended.
	Expected() (int64, error)
	// AppendRow appends the next record to dst as one JSON object. After the last
	// record it returns io.EOF.
	AppendRow(dst []byte) ([]byte, error)
	// Key returns the key of the record appended last.
	Key() string
}

package vault

import (
	"errors"
	"io"
)

// Stream is an io.ReadSeeker over an object's content, as http.ServeContent
// needs it. It fetches and decrypts the following bytes while the current ones
// are consumed. Seeking alone reads nothing. A Stream is for one goroutine, and
// closing it does not close its Reader.
type Stream struct {
	src    *Reader
	off    int64
	reader *parallelReader // nil until the first read at off
}

// Stream returns a Stream that starts at the content's first byte.
func (r *Reader) Stream() *Stream { return &Stream{src: r} }

func (s *Stream) Read(p []byte) (int, error) {
	data, err := s.Next(len(p))
	return copy(p, data), err
}

// Next reads without copying: it returns at most limit of the following bytes,
// which are valid until the Stream is used again.
func (s *Stream) Next(limit int) ([]byte, error) {
	if s.off >= s.src.size {
		return nil, io.EOF
	}
	if s.reader == nil {
		s.reader = newParallelReader(s.src, s.off)
	}
	data, err := s.reader.next(limit)
	if s.off += int64(len(data)); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}

// Seek implements io.Seeker.
func (s *Stream) Seek(offset int64, whence int) (int64, error) {
	off, err := seek(s.off, s.src.size, offset, whence)
	if err != nil || off == s.off {
		return off, err
	}
	s.off = off
	return off, s.Close()
}

// Close stops reading ahead. The Stream may still be used.
func (s *Stream) Close() error {
	if s.reader != nil {
		s.reader.Close()
		s.reader = nil
	}
	return nil
}

// seek returns the offset that a Seek in a file of the given size leads to.
func seek(current, size, offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += current
	case io.SeekEnd:
		offset += size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return current, errors.New("vault: invalid seek")
	}
	return offset, nil
}

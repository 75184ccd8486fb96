package vault

import (
	"errors"
	"io"
)

// Stream reads an object's content from any place on, as http.ServeContent
// wants it: what comes next is fetched and decrypted while the last is sent.
// Seeking alone reads nothing. It is for one goroutine, and closing it does
// not close its Reader.
type Stream struct {
	src  *Reader
	off  int64
	next *forward // nil until the first read at off
}

// Stream begins at the content's first byte.
func (r *Reader) Stream() *Stream { return &Stream{src: r} }

func (s *Stream) Read(p []byte) (int, error) {
	some, err := s.Next(len(p))
	return copy(p, some), err
}

// Next reads without copying: it answers what comes next, at most so many bytes,
// which stay good until the Stream is used again.
func (s *Stream) Next(most int) ([]byte, error) {
	if s.off >= s.src.size {
		return nil, io.EOF
	}
	if s.next == nil {
		s.next = readForward(s.src, s.off)
	}
	some, err := s.next.next(most)
	if s.off += int64(len(some)); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return some, err
}

// Seek is io.Seeker.
func (s *Stream) Seek(offset int64, whence int) (int64, error) {
	off, err := seek(s.off, s.src.size, offset, whence)
	if err != nil || off == s.off {
		return off, err
	}
	s.off = off
	return off, s.Close()
}

// Close ends reading ahead. The Stream may still be used.
func (s *Stream) Close() error {
	if s.next != nil {
		s.next.Close()
		s.next = nil
	}
	return nil
}

// seek is where a Seek leads in a file of this size.
func seek(now, size, offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += now
	case io.SeekEnd:
		offset += size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return now, errors.New("vault: seek to nowhere")
	}
	return offset, nil
}

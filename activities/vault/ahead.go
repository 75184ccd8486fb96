package vault

import "io"

const (
	firstWindow = chunk // what a short range costs
	fullWindow  = 16 * chunk
)

// ahead reads on in a goroutine of its own, so that fetching or decrypting the
// next window goes on while the last one is used. It ends when it is closed.
type ahead struct {
	full  chan window
	spare chan []byte
	stop  chan struct{}
	done  chan struct{}
	now   window // being read
	left  []byte // of now
}

type window struct {
	buf []byte
	n   int
	err error
}

func readAhead(src io.Reader) *ahead {
	a := &ahead{full: make(chan window, 1), spare: make(chan []byte, 2), stop: make(chan struct{}), done: make(chan struct{})}
	a.spare <- nil // two windows, made when they are needed
	a.spare <- nil
	go a.run(src)
	return a
}

func (a *ahead) run(src io.Reader) {
	defer close(a.done)
	for size := firstWindow; ; size = min(2*size, fullWindow) {
		var buf []byte
		select {
		case buf = <-a.spare:
		case <-a.stop:
			return
		}
		if len(buf) < size {
			buf = make([]byte, size)
		}
		n, err := src.Read(buf)
		select {
		case a.full <- window{buf, n, err}:
		case <-a.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.left) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.buf != nil {
			a.spare <- a.now.buf
		}
		a.now = <-a.full
		a.left = a.now.buf[:a.now.n]
	}
	n := copy(p, a.left)
	a.left = a.left[n:]
	return n, nil
}

// Close waits for the read that is under way.
func (a *ahead) Close() error {
	close(a.stop)
	<-a.done
	return nil
}

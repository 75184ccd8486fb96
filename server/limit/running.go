package limit

import "sync"

// Running counts what is under way for each key. It is safe for concurrent use.
type Running struct {
	max int

	mu    sync.Mutex
	count map[string]int
}

// NewRunning allows max at once for each key.
func NewRunning(max int) *Running { return &Running{max: max, count: map[string]int{}} }

// Begin counts one more until end is called, once. It returns false where the
// key has as many as are allowed.
func (r *Running) Begin(key string) (end func(), ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count[key] >= r.max {
		return nil, false
	}
	r.count[key]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.count[key]--; r.count[key] == 0 {
			delete(r.count, key)
		}
	}, true
}

// Count returns how many are under way for the key.
func (r *Running) Count(key string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count[key]
}

// Memory is a number of bytes that all callers share: none may have more of it than
// is left for others. It is safe for concurrent use.
type Memory struct {
	max int64

	mu   sync.Mutex
	used int64
	by   map[string]int64
}

// NewMemory makes a Memory of max bytes.
func NewMemory(max int64) *Memory { return &Memory{max: max, by: map[string]int64{}} }

// Reserve takes bytes for the key until release is called, once. It returns false
// where the key would have more than would be left.
func (m *Memory) Reserve(key string, bytes int64) (release func(), ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by[key]+bytes > m.max-m.used-bytes {
		return nil, false
	}
	m.used += bytes
	m.by[key] += bytes
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.used -= bytes
		if m.by[key] -= bytes; m.by[key] == 0 {
			delete(m.by, key)
		}
	}, true
}

// Plenty reports whether half of the memory would be left after bytes are taken.
func (m *Memory) Plenty(bytes int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used+bytes <= m.max/2
}

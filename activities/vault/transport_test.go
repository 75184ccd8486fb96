package vault

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deadlineConn records the deadlines set on it and the size of each write.
type deadlineConn struct {
	net.Conn
	read, write int // deadlines set
	writes      []int
}

func (c *deadlineConn) SetDeadline(time.Time) error      { c.read++; c.write++; return nil }
func (c *deadlineConn) SetReadDeadline(time.Time) error  { c.read++; return nil }
func (c *deadlineConn) SetWriteDeadline(time.Time) error { c.write++; return nil }
func (c *deadlineConn) Read(p []byte) (int, error)       { return len(p), nil }
func (c *deadlineConn) Write(p []byte) (int, error) {
	c.writes = append(c.writes, len(p))
	return len(p), nil
}

func TestEveryReadAndWriteExtendsTheDeadline(t *testing.T) {
	under := &deadlineConn{}
	conn := &idleTimeoutConn{Conn: under, idleTimeout: time.Minute}
	_, err := conn.Read(make([]byte, 10))
	require.NoError(t, err)
	require.Equal(t, []int{1, 0}, []int{under.read, under.write})

	n, err := conn.Write(make([]byte, 2*maxWrite+5))
	require.NoError(t, err)
	require.Equal(t, 2*maxWrite+5, n)
	require.Equal(t, []int{maxWrite, maxWrite, 5}, under.writes, "a long write extends the deadline")
	require.Equal(t, []int{4, 3}, []int{under.read, under.write}, "a write extends the read deadline, too: the response follows the request")
}

func TestAConnectionMayIdleForAMinute(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	path := t.TempDir() + "/keyset.json"
	require.NoError(t, WriteKeyset(path))
	v, err := Open(t.Context(), Config{Bucket: "none", KeysetFile: path})
	require.NoError(t, err)
	transport := v.http.Transport.(*http.Transport)
	require.Equal(t, time.Minute, transport.ResponseHeaderTimeout)
	require.Less(t, transport.IdleConnTimeout, time.Minute, "a pooled connection is closed before it times out")
	require.False(t, transport.ForceAttemptHTTP2)
}

func TestFailuresOfManyRequestsDoNotUseUpTheRetriesOfOthers(t *testing.T) {
	retryer := resilience{maxBackoff: time.Second}.retryer()
	require.Equal(t, 5, retryer.MaxAttempts())
	for range 1000 {
		_, err := retryer.GetRetryToken(t.Context(), errors.New("a failure"))
		require.NoError(t, err)
	}
}

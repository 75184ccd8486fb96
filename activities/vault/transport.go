package vault

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	dialTimeout  = 5 * time.Second // to connect, and again for TLS
	maxIdleConns = 64
	maxWrite     = 256 << 10 // bytes that must be sent within the idle timeout
)

// newHTTPClient builds on the client that AWS's settings configure (they may name
// a certificate authority) and adds timeouts. Requests have no overall deadline:
// a large body may take hours, as long as data flows.
func newHTTPClient(configured aws.HTTPClient, idleTimeout time.Duration) *http.Client {
	buildable, ok := configured.(*awshttp.BuildableClient)
	if !ok {
		buildable = awshttp.NewBuildableClient()
	}
	t := buildable.GetTransport()
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &idleTimeoutConn{Conn: conn, idleTimeout: idleTimeout}, nil
	}
	t.ForceAttemptHTTP2 = false // S3 speaks HTTP/1.1, and one stalled stream must not block others
	t.TLSHandshakeTimeout = dialTimeout
	t.ResponseHeaderTimeout = idleTimeout
	t.MaxIdleConns, t.MaxIdleConnsPerHost = maxIdleConns, maxIdleConns
	t.IdleConnTimeout = idleTimeout / 2 // shorter, or a pooled connection would run into the idle timeout
	t.WriteBufferSize, t.ReadBufferSize = 64<<10, 64<<10
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// idleTimeoutConn fails when no data flows in either direction for idleTimeout.
type idleTimeoutConn struct {
	net.Conn
	idleTimeout time.Duration
}

func (c *idleTimeoutConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.idleTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write also extends the deadline of the pending read: the response cannot be
// expected while the request is still being sent.
func (c *idleTimeoutConn) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		if err := c.SetDeadline(time.Now().Add(c.idleTimeout)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[:min(len(p), maxWrite)])
		written += n
		if err != nil {
			return written, err
		}
		p = p[n:]
	}
	return written, nil
}

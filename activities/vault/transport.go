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
	dialTimeout = 5 * time.Second // to connect, and again for TLS
	idleConns   = 64              // kept for the next request
	writeAtOnce = 256 << 10       // bytes that must move within the patience
)

// newHTTPClient builds on the client AWS's settings ask for (they may name a
// certificate authority) and adds limits. No request has a deadline of its
// own: a large body may take hours, as long as it moves.
func newHTTPClient(configured aws.HTTPClient, patience time.Duration) *http.Client {
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
		return &movingConn{Conn: conn, patience: patience}, nil
	}
	t.ForceAttemptHTTP2 = false // S3 speaks HTTP/1.1, and one stalled stream must not hold others
	t.TLSHandshakeTimeout = dialTimeout
	t.ResponseHeaderTimeout = patience
	t.MaxIdleConns, t.MaxIdleConnsPerHost = idleConns, idleConns
	t.IdleConnTimeout = patience / 2 // less than patience, or waiting would look like standing still
	t.WriteBufferSize, t.ReadBufferSize = 64<<10, 64<<10
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// movingConn fails when nothing has moved on it for as long as its patience,
// in either direction.
type movingConn struct {
	net.Conn
	patience time.Duration
}

func (c *movingConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write also gives the pending read new patience: who is still sending is not
// waiting for an answer yet.
func (c *movingConn) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		if err := c.SetDeadline(time.Now().Add(c.patience)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[:min(len(p), writeAtOnce)])
		written += n
		if err != nil {
			return written, err
		}
		p = p[n:]
	}
	return written, nil
}

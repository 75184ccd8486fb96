package bench

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"satchel/dev/services"
)

// counter proxies the S3 requests and Temporal calls of a worker, and counts them.
type counter struct {
	mu       sync.Mutex
	counts   map[string]int
	s3, grpc string // addresses of the proxies
	stop     func()

	worker *services.Service // whose calls are counted
	server *services.Service // with short windows
	base   string            // URL of that server
}

func (c *counter) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[what]++
}

// take returns the counts since the last take.
func (c *counter) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counted := c.counts
	c.counts = map[string]int{}
	return counted
}

// newCounter prepares a worker whose S3 requests and heartbeats are counted, and a
// server with short windows, so that exports end by expiry, as most do.
func (b *bench) newCounter() (*counter, error) {
	c, err := b.startProxies()
	if err != nil {
		return nil, err
	}
	if c.worker, err = b.AnotherWorker("counting-worker", "S3_ENDPOINT=http://"+c.s3, "TEMPORAL_ADDRESS="+c.grpc); err == nil {
		c.server, c.base, err = b.AnotherServer("short-windows-server", "DOWNLOAD_WINDOW="+countedWindow.String(), "COOLDOWN="+countedWindow.String())
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// countedWindow is the download window and cooldown of an export whose cost is
// counted.
const countedWindow = 4 * time.Second

// startProxies starts the proxies in front of S3 and Temporal.
func (b *bench) startProxies() (*counter, error) {
	c := &counter{counts: map[string]int{}}
	storage, err := url.Parse(b.Demo.S3.Endpoint)
	if err != nil {
		return nil, err
	}
	s3Listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	temporalListener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s3Listener.Close()
		return nil, err
	}
	conn, err := grpc.NewClient(b.Demo.TemporalAddress, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageSize)))
	if err != nil {
		s3Listener.Close()
		temporalListener.Close()
		return nil, fmt.Errorf("connect to Temporal: %w", err)
	}
	frontend, err := proxy.NewWorkflowServiceProxyServer(proxy.WorkflowServiceProxyOptions{Client: workflowservice.NewWorkflowServiceClient(conn)})
	if err != nil {
		return nil, err
	}
	grpcServer := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessageSize), grpc.UnaryInterceptor(
		func(ctx context.Context, req any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if strings.HasSuffix(call.FullMethod, "/RecordActivityTaskHeartbeat") {
				c.add(heartbeats)
			}
			return next(ctx, req)
		}))
	workflowservice.RegisterWorkflowServiceServer(grpcServer, frontend)
	healthServer := health.NewServer()
	healthServer.SetServingStatus("temporal.api.workflowservice.v1.WorkflowService", healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(grpcServer, healthServer)
	httpServer := &http.Server{Handler: &httputil.ReverseProxy{
		// The signature covers the host name that the worker uses.
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(storage); r.Out.Host = r.In.Host; c.add(requestKind(r.In)) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	}}
	c.s3, c.grpc = s3Listener.Addr().String(), temporalListener.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() { _ = httpServer.Serve(s3Listener) })       // stop ends it
	serving.Go(func() { _ = grpcServer.Serve(temporalListener) }) // likewise
	c.stop = func() {
		httpServer.Close()
		grpcServer.Stop()
		conn.Close()
		serving.Wait()
	}
	return c, nil
}

// maxMessageSize limits the messages that the gRPC proxy forwards.
const maxMessageSize = 64 << 20

// requestKind returns the class of a request in S3's price list.
func requestKind(r *http.Request) string {
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodHead:
		return "HEAD"
	case r.Method == http.MethodDelete, r.Method == http.MethodPost && query.Has("delete"):
		return "DELETE"
	case r.Method == http.MethodPut, r.Method == http.MethodPost:
		return "PUT"
	case strings.Count(strings.Trim(r.URL.Path, "/"), "/") == 0, query.Has("uploads"), query.Has("versions"), query.Has("list-type"), query.Has("uploadId"):
		return "LIST"
	}
	return "GET"
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"golang.org/x/sync/errgroup"

	"satchel/activities/mail"
	"satchel/activities/program"
	"satchel/schema"
)

// metrics are the worker's Prometheus metrics.
type metrics struct {
	registry *prometheus.Registry
	records  *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	emails   *prometheus.CounterVec
	ended    *prometheus.HistogramVec
	waited   prometheus.Counter
}

func newMetrics() *metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	make := promauto.With(registry)
	return &metrics{
		registry: registry,
		records: make.NewCounterVec(prometheus.CounterOpts{
			Name: "satchel_records_written_total", Help: "Records written, by category of an account export (calls) or type of a bulk export (Calls)."}, []string{"category"}),
		bytes: make.NewCounterVec(prometheus.CounterOpts{
			Name: "satchel_bytes_written_total", Help: "Bytes written: of JSON text for account exports, of gzip for bulk exports."}, []string{"category"}),
		emails: make.NewCounterVec(prometheus.CounterOpts{
			Name: "satchel_emails_total", Help: "Attempts to send an e-mail, by how they ended: sent; delayed by an error of the provider or by its rate limit (limited); refused for good; blocked, because the provider accepts neither key nor sender."},
			[]string{"email", "outcome"}),
		waited: make.NewCounter(prometheus.CounterOpts{
			Name: "satchel_limited_total", Help: "What had to wait because a limit was met.", ConstLabels: prometheus.Labels{"limit": "account_webhooks"}}),
		ended: make.NewHistogramVec(prometheus.HistogramOpts{
			Name: "satchel_activity_seconds", Help: "How long attempts at activities took, by how they ended.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 9)}, []string{"activity", "outcome"}),
	}
}

// Wrote counts the records of a piece.
func (m *metrics) Wrote(c schema.Category, records, bytes int64) {
	m.records.WithLabelValues(string(c)).Add(float64(records))
	m.bytes.WithLabelValues(string(c)).Add(float64(bytes))
}

// WebhookWaited counts a webhook that waits for others of its account.
func (m *metrics) WebhookWaited() { m.waited.Inc() }

// WroteDay counts the records of a day file.
func (m *metrics) WroteDay(t schema.ResourceType, records, bytes int64) {
	m.records.WithLabelValues(string(t)).Add(float64(records))
	m.bytes.WithLabelValues(string(t)).Add(float64(bytes))
}

// Mailed counts an attempt to send an e-mail.
func (m *metrics) Mailed(kind mail.Kind, outcome string) {
	m.emails.WithLabelValues(string(kind), outcome).Inc()
}

func (m *metrics) interceptor() interceptor.WorkerInterceptor { return &timing{metrics: m} }

// timing measures every attempt of an activity.
type timing struct {
	interceptor.WorkerInterceptorBase
	metrics *metrics
}

func (t *timing) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &timedActivity{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, metrics: t.metrics}
}

type timedActivity struct {
	interceptor.ActivityInboundInterceptorBase
	metrics *metrics
}

func (a *timedActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	began := time.Now()
	out, err := a.Next.ExecuteActivity(ctx, in)
	outcome := "succeeded"
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled): // and not what ran out of time
		outcome = "cancelled"
	case err != nil:
		outcome = "failed"
	}
	a.metrics.ended.WithLabelValues(activity.GetInfo(ctx).ActivityType.Name, outcome).Observe(time.Since(began).Seconds())
	return out, err
}

// serveOps serves metrics and health checks. It serves the health checks at another
// address, too, unless that is "".
func serveOps(ctx context.Context, address, healthAddress string, m *metrics, ready http.Handler) error {
	health := http.NewServeMux()
	health.HandleFunc("GET /healthz", program.Alive)
	health.Handle("GET /readyz", ready)
	all := http.NewServeMux()
	all.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	all.Handle("/", health)
	serving, ctx := errgroup.WithContext(ctx)
	serving.Go(func() error { return listenAndServe(ctx, "METRICS_ADDRESS", address, all) })
	if healthAddress != "" {
		serving.Go(func() error { return listenAndServe(ctx, "HEALTH_ADDRESS", healthAddress, health) })
	}
	return serving.Wait()
}

// listenAndServe serves until ctx ends. Its error names the setting.
func listenAndServe(ctx context.Context, setting, address string, h http.Handler) error {
	server := &http.Server{Addr: address, Handler: h, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("%s %s: %w", setting, address, err)
	}
	return nil
}

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

	"satchel/activities/mail"
	"satchel/activities/program"
	"satchel/schema"
)

// numbers are the worker's metrics.
type numbers struct {
	registry *prometheus.Registry
	records  *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	letters  *prometheus.CounterVec
	ended    *prometheus.HistogramVec
}

func newNumbers() *numbers {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	make := promauto.With(registry)
	return &numbers{
		registry: registry,
		records: make.NewCounterVec(prometheus.CounterOpts{
			Name: "satchel_records_written_total", Help: "Records written, by category of an account export (calls) or type of a bulk export (Calls)."}, []string{"category"}),
		bytes: make.NewCounterVec(prometheus.CounterOpts{
			Name: "satchel_bytes_written_total", Help: "Bytes written: of JSON text for account exports, of gzip for bulk exports."}, []string{"category"}),
		letters: make.NewCounterVec(prometheus.CounterOpts{
			Name: "satchel_letters_total", Help: "Attempts to send a letter, by how they ended: sent; delayed by trouble at the provider or by its limit (limited); refused for good; blocked, because it accepts neither key nor sender."},
			[]string{"letter", "outcome"}),
		ended: make.NewHistogramVec(prometheus.HistogramOpts{
			Name: "satchel_activity_seconds", Help: "How long attempts at activities took, by how they ended.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 9)}, []string{"activity", "outcome"}),
	}
}

// Wrote counts what a piece holds.
func (n *numbers) Wrote(c schema.Category, records, bytes int64) {
	n.records.WithLabelValues(string(c)).Add(float64(records))
	n.bytes.WithLabelValues(string(c)).Add(float64(bytes))
}

// WroteDay counts what a day file holds.
func (n *numbers) WroteDay(t schema.ResourceType, records, bytes int64) {
	n.records.WithLabelValues(string(t)).Add(float64(records))
	n.bytes.WithLabelValues(string(t)).Add(float64(bytes))
}

// Mailed counts an attempt to send a letter.
func (n *numbers) Mailed(kind mail.Kind, outcome string) {
	n.letters.WithLabelValues(string(kind), outcome).Inc()
}

func (n *numbers) interceptor() interceptor.WorkerInterceptor { return &timing{numbers: n} }

// timing measures every attempt at an activity.
type timing struct {
	interceptor.WorkerInterceptorBase
	numbers *numbers
}

func (t *timing) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &timedActivity{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, numbers: t.numbers}
}

type timedActivity struct {
	interceptor.ActivityInboundInterceptorBase
	numbers *numbers
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
	a.numbers.ended.WithLabelValues(activity.GetInfo(ctx).ActivityType.Name, outcome).Observe(time.Since(began).Seconds())
	return out, err
}

// serveOps answers those who watch the worker.
func serveOps(ctx context.Context, address string, n *numbers, ready http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", program.Alive)
	mux.Handle("GET /readyz", ready)
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("METRICS_ADDRESS %s: %w", address, err)
	}
	return nil
}

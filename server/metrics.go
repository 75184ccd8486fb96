package main

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/respond"
)

// metrics are the Prometheus metrics of the server.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	downloads *prometheus.CounterVec
	sent      prometheus.Counter
}

// statsReader counts exports, jobs and files in the database.
type statsReader interface {
	ExportStats(context.Context) (store.ExportStats, error)
	BulkStats(context.Context) (store.BulkStats, error)
}

// statsSource counts both kinds of exports.
type statsSource struct {
	*store.AccountExports
	*store.BulkExports
}

func newMetrics(exports statsReader) *metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&statsCollector{exports: exports})
	factory := promauto.With(registry)
	return &metrics{
		registry: registry,
		requests: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "satchel_http_request_seconds", Help: "Duration of requests by route, method and status.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60, 600},
		}, []string{"route", "method", "status"}),
		inFlight: factory.NewGauge(prometheus.GaugeOpts{
			Name: "satchel_http_requests_in_flight", Help: "Requests that are being answered, including streams and downloads."}),
		downloads: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "satchel_downloads_total", Help: "Downloads by outcome: whole, part (a range), or cut (incomplete)."}, []string{"outcome"}),
		sent: factory.NewCounter(prometheus.CounterOpts{
			Name: "satchel_download_bytes_total", Help: "Bytes of files sent to customers."}),
	}
}

// count is a middleware that measures every request.
func (m *metrics) count(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start, request := time.Now(), c.Request()
		m.inFlight.Inc()
		defer func() {
			m.inFlight.Dec()
			status := statusOf(c, request)
			m.requests.WithLabelValues(routeOf(c), methodOf(request), strconv.Itoa(status)).Observe(time.Since(start).Seconds())
			if respond.PolicyOf(c).File && request.Method == http.MethodGet {
				m.download(c.Response(), status)
			}
		}()
		return next(c)
	}
}

func (m *metrics) download(r *echo.Response, status int) {
	m.sent.Add(float64(r.Size))
	length, err := strconv.ParseInt(r.Header().Get(echo.HeaderContentLength), 10, 64)
	switch {
	case status != http.StatusOK && status != http.StatusPartialContent:
	case err != nil || r.Size < length:
		m.downloads.WithLabelValues("cut").Inc()
	case status == http.StatusPartialContent:
		m.downloads.WithLabelValues("part").Inc()
	default:
		m.downloads.WithLabelValues("whole").Inc()
	}
}

func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}

// statsCollector counts exports when the metrics are scraped. While the database
// is unavailable, it collects nothing, and the other metrics are still served.
type statsCollector struct{ exports statsReader }

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	exportsGauge      = gauge("satchel_exports", "Exports by status.", "status")
	oldestExportGauge = gauge("satchel_oldest_unfinished_export_seconds", "Age of the oldest export that is neither completed nor ended.")
	jobsGauge         = gauge("satchel_bulk_jobs_unfinished", "Bulk jobs that have not ended.")
	oldestJobGauge    = gauge("satchel_oldest_unfinished_bulk_job_seconds", "Age of the oldest bulk job that has not ended.")
	dayFilesGauge     = gauge("satchel_day_files", "Day files that are stored.")
	dayBytesGauge     = gauge("satchel_day_file_bytes", "Size of all stored day files, compressed.")
	webhooksGauge     = gauge("satchel_webhooks_pending", "Webhooks that are not delivered yet.")
)

func (s *statsCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{exportsGauge, oldestExportGauge, jobsGauge, oldestJobGauge, dayFilesGauge, dayBytesGauge, webhooksGauge} {
		ch <- desc
	}
}

// read reads the statistics of both use cases.
func (s *statsCollector) read(ctx context.Context) (exports store.ExportStats, bulk store.BulkStats, err error) {
	if exports, err = s.exports.ExportStats(ctx); err == nil {
		bulk, err = s.exports.BulkStats(ctx)
	}
	return exports, bulk, err
}

func (s *statsCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	type result struct {
		exports store.ExportStats
		bulk    store.BulkStats
		err     error
	}
	results := make(chan result, 1) // buffered, so that a database that never answers blocks nothing
	go func() {
		exports, bulk, err := s.read(ctx)
		results <- result{exports, bulk, err}
	}()
	var r result
	select {
	case r = <-results:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	if r.err != nil {
		slog.WarnContext(ctx, "exports could not be counted for the metrics", "err", r.err)
		return
	}
	send := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, status := range schema.Statuses {
		send(exportsGauge, float64(r.exports.Count[status]), string(status))
	}
	send(oldestExportGauge, r.exports.Oldest.Seconds())
	send(jobsGauge, float64(r.bulk.Jobs))
	send(oldestJobGauge, r.bulk.Oldest.Seconds())
	send(dayFilesGauge, float64(r.bulk.Files))
	send(dayBytesGauge, float64(r.bulk.Bytes))
	send(webhooksGauge, float64(r.bulk.Events))
}

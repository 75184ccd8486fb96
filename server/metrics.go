package main

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/limit"
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
		newStatsCollector(exports))
	factory := promauto.With(registry)
	for _, name := range limit.Names {
		factory.NewCounterFunc(prometheus.CounterOpts{
			Name: "satchel_limited_total", Help: "Requests that were refused because a limit was met.", ConstLabels: prometheus.Labels{"limit": string(name)},
		}, func() float64 { return float64(limit.Met(name)) })
	}
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

const (
	statsInterval = 15 * time.Second // how long counts are served before the rows are counted again
	statsTimeout  = time.Minute      // of one count
	statsWait     = 3 * time.Second  // how long a scrape waits for a count; then it serves the last one
)

// statsCollector counts exports when the metrics are scraped, at most once in
// statsInterval. While the database does not answer, the last counts are served, with
// the time when they were counted.
type statsCollector struct{ parts []*statsPart }

func newStatsCollector(exports statsReader) *statsCollector {
	return &statsCollector{parts: []*statsPart{
		{name: "exports", count: func(ctx context.Context) ([]prometheus.Metric, error) {
			stats, err := exports.ExportStats(ctx)
			return exportMetrics(stats), err
		}},
		{name: "bulk", count: func(ctx context.Context) ([]prometheus.Metric, error) {
			stats, err := exports.BulkStats(ctx)
			return bulkMetrics(stats), err
		}},
	}}
}

// statsPart is what one use case counts. A table that is locked leaves the other part
// as it is.
type statsPart struct {
	name  string
	count func(context.Context) ([]prometheus.Metric, error)

	mu      sync.Mutex
	last    []prometheus.Metric // of the latest count that succeeded
	at      time.Time           // of it
	pending chan struct{}       // closed at the end of the count under way; nil without one
}

// refresh starts a count unless one is under way or the last is recent, and returns a
// channel that is closed when it has ended.
func (p *statsPart) refresh() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending != nil {
		return p.pending
	}
	done := make(chan struct{})
	if time.Since(p.at) < statsInterval {
		close(done)
		return done
	}
	p.pending = done
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), statsTimeout)
		defer cancel()
		began := time.Now()
		metrics, err := p.count(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		if err == nil {
			p.last, p.at = metrics, began
		} else {
			slog.WarnContext(ctx, "rows could not be counted for the metrics, which keep the last counts", "of", p.name, "err", err)
		}
		p.pending = nil
		close(done)
	}()
	return done
}

// latest returns the latest counts, and when they were counted as a Unix time, 0 for
// never.
func (p *statsPart) latest() (metrics []prometheus.Metric, at float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.at.IsZero() {
		at = float64(p.at.UnixMilli()) / 1000
	}
	return p.last, at
}

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
	countedGauge      = gauge("satchel_counted_timestamp_seconds", "When the rows behind these gauges were counted: of exports, or of bulk exports. 0 if they never were.", "of")
)

func (s *statsCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		exportsGauge, oldestExportGauge, jobsGauge, oldestJobGauge, dayFilesGauge, dayBytesGauge, webhooksGauge, countedGauge,
	} {
		ch <- desc
	}
}

func (s *statsCollector) Collect(ch chan<- prometheus.Metric) {
	timeout := time.NewTimer(statsWait)
	defer timeout.Stop()
	pending := make([]<-chan struct{}, len(s.parts))
	for i, part := range s.parts {
		pending[i] = part.refresh()
	}
	late := false
	for _, done := range pending {
		if late {
			break
		}
		select {
		case <-done:
		case <-timeout.C:
			late = true
		}
	}
	for _, part := range s.parts {
		metrics, at := part.latest()
		for _, m := range metrics {
			ch <- m
		}
		ch <- metric(countedGauge, at, part.name)
	}
}

func metric(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func exportMetrics(stats store.ExportStats) []prometheus.Metric {
	list := []prometheus.Metric{metric(oldestExportGauge, stats.Oldest.Seconds())}
	for _, status := range schema.Statuses {
		list = append(list, metric(exportsGauge, float64(stats.Count[status]), string(status)))
	}
	return list
}

func bulkMetrics(stats store.BulkStats) []prometheus.Metric {
	return []prometheus.Metric{
		metric(jobsGauge, float64(stats.Jobs)),
		metric(oldestJobGauge, stats.Oldest.Seconds()),
		metric(dayFilesGauge, float64(stats.Files)),
		metric(dayBytesGauge, float64(stats.Bytes)),
		metric(webhooksGauge, float64(stats.Events)),
	}
}

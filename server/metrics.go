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
)

// metrics are what those who watch the server can see.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	downloads *prometheus.CounterVec
	sent      prometheus.Counter
}

// counting is where the numbers of all exports come from.
type counting interface {
	Standing(context.Context) (store.Standing, error)
	BulkStanding(context.Context) (store.BulkStanding, error)
}

// statsSource counts both kinds of exports.
type statsSource struct {
	*store.AccountExports
	*store.BulkExports
}

func newMetrics(exports counting) *metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&standing{exports: exports})
	made := promauto.With(registry)
	return &metrics{
		registry: registry,
		requests: made.NewHistogramVec(prometheus.HistogramOpts{
			Name: "satchel_http_request_seconds", Help: "How long requests took, by route, method and status.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60, 600},
		}, []string{"route", "method", "status"}),
		inFlight: made.NewGauge(prometheus.GaugeOpts{
			Name: "satchel_http_requests_in_flight", Help: "Requests being answered, streams and downloads included."}),
		downloads: made.NewCounterVec(prometheus.CounterOpts{
			Name: "satchel_downloads_total", Help: "Downloads of archives: whole, of a part, or cut off on the way."}, []string{"outcome"}),
		sent: made.NewCounter(prometheus.CounterOpts{
			Name: "satchel_download_bytes_total", Help: "Bytes of archives sent to customers."}),
	}
}

// count measures every request.
func (m *metrics) count(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began, request := time.Now(), c.Request()
		m.inFlight.Inc()
		defer func() {
			m.inFlight.Dec()
			status := statusOf(c, request)
			m.requests.WithLabelValues(routeOf(c), methodOf(request), strconv.Itoa(status)).Observe(time.Since(began).Seconds())
			if isArchive(c.Path()) && request.Method == http.MethodGet {
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

// standing counts exports when it is asked. Where the database is away, there
// is nothing to tell, and the rest is told all the same.
type standing struct{ exports counting }

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	exportsNow   = gauge("satchel_exports", "Exports by status.", "status")
	oldestNow    = gauge("satchel_oldest_unfinished_export_seconds", "Age of the oldest export that is neither completed nor ended.")
	jobsNow      = gauge("satchel_bulk_jobs_unfinished", "Bulk jobs that have not ended.")
	oldestJobNow = gauge("satchel_oldest_unfinished_bulk_job_seconds", "Age of the oldest bulk job that has not ended.")
	dayFilesNow  = gauge("satchel_day_files", "Day files that are kept.")
	dayBytesNow  = gauge("satchel_day_file_bytes", "Bytes of gzip in day files that are kept.")
	webhooksNow  = gauge("satchel_webhooks_pending", "Webhooks that are still to be delivered.")
)

func (s *standing) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{exportsNow, oldestNow, jobsNow, oldestJobNow, dayFilesNow, dayBytesNow, webhooksNow} {
		ch <- desc
	}
}

// count asks the database for both halves.
func (s *standing) count(ctx context.Context) (now store.Standing, bulk store.BulkStanding, err error) {
	if now, err = s.exports.Standing(ctx); err == nil {
		bulk, err = s.exports.BulkStanding(ctx)
	}
	return now, bulk, err
}

func (s *standing) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	type answer struct {
		store.Standing
		bulk store.BulkStanding
		err  error
	}
	counted := make(chan answer, 1) // so that a database that never answers keeps nobody
	go func() {
		now, bulk, err := s.count(ctx)
		counted <- answer{now, bulk, err}
	}()
	var now answer
	select {
	case now = <-counted:
	case <-ctx.Done():
		now.err = ctx.Err()
	}
	if now.err != nil {
		slog.WarnContext(ctx, "exports were not counted", "err", now.err)
		return
	}
	tell := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, status := range schema.Statuses {
		tell(exportsNow, float64(now.Count[status]), string(status))
	}
	tell(oldestNow, now.Oldest.Seconds())
	tell(jobsNow, float64(now.bulk.Jobs))
	tell(oldestJobNow, now.bulk.Oldest.Seconds())
	tell(dayFilesNow, float64(now.bulk.Files))
	tell(dayBytesNow, float64(now.bulk.Bytes))
	tell(webhooksNow, float64(now.bulk.Events))
}

package browser

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// All other tests rely on these reports.
func TestProblemsOfAPageAreReported(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/policy":
			w.Header().Set("Content-Security-Policy", "script-src 'none'")
			_, _ = w.Write([]byte(`<!doctype html><title>policy</title><script>1</script>`))
		case "/console":
			_, _ = w.Write([]byte(`<!doctype html><title>console</title><script>console.error('oh')</script>`))
		case "/exception":
			_, _ = w.Write([]byte(`<!doctype html><title>exception</title><script>missing.method()</script>`))
		case "/elsewhere":
			_, _ = w.Write([]byte(`<!doctype html><title>elsewhere</title><img alt="" src="http://127.0.0.1:9/pixel">`))
		case "/broken":
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`<!doctype html><title>broken</title>`))
		case "/unreadable":
			_, _ = w.Write([]byte(`<!doctype html><html lang="en"><title>unreadable</title><main><h1 style="color:#ddd;background:#fff">pale</h1></main>`))
		}
	}))
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	require.NoError(t, err)

	for path, problem := range map[string]string{
		"/policy": "Content Security Policy", "/console": "oh", "/exception": "missing", "/elsewhere": "127.0.0.1:9", "/broken": "404",
	} {
		w := &problems{hosts: []string{at.Host}}
		b := open(t, browser(t), w, chromedp.WithNewBrowserContext())
		b.do("open "+path, chromedp.Navigate(server.URL+path))
		require.Eventually(t, func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return strings.Contains(strings.Join(w.found, "\n"), problem)
		}, timeout, timeout/1000, "%s was not reported", path)
	}
	b := open(t, browser(t), &problems{hosts: []string{at.Host}}, chromedp.WithNewBrowserContext())
	b.do("open a page", chromedp.Navigate(server.URL+"/unreadable"))
	require.Contains(t, b.accessibilityViolations(), "color-contrast")
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/activities/vault"
	"satchel/dev/testservices"
	"satchel/schema"
)

// running is the real program.
type running struct {
	t       *testing.T
	url     string
	metrics string
	stop    context.CancelFunc
	done    chan error
	logs    *logs
}

// start runs the program until it says that it serves.
func start(t *testing.T, args []string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{t: t, stop: stop, done: make(chan error, 1), logs: &logs{}}
	t.Cleanup(stop)
	go func() { r.done <- run(ctx, args, r.logs, io.Discard) }()
	eventually(t, "the server serves", func() bool {
		select {
		case err := <-r.done:
			t.Fatalf("the server did not start: %v", err)
		default:
		}
		for _, line := range r.logs.linesWith(`"msg":"serving"`) {
			var fields struct{ Address, Metrics string }
			require.NoError(t, json.Unmarshal([]byte(line), &fields))
			r.url, r.metrics = "http://"+fields.Address, "http://"+fields.Metrics
			return true
		}
		return false
	})
	return r
}

func (r *running) get(url string) (int, string) {
	r.t.Helper()
	res, err := http.Get(url) //nolint:noctx // the test ends
	require.NoError(r.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	return res.StatusCode, string(body)
}

func TestTheProgramServesAndStopsInOrder(t *testing.T) {
	t.Cleanup(func() { slog.SetDefault(logger) }) // the program sets the process'
	bucket := testservices.Bucket(t)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": bucket.AccessKey, "AWS_SECRET_ACCESS_KEY": bucket.SecretKey, "AWS_REGION": bucket.Region,
		"TEMPORAL_ADDRESS": testservices.Temporal(t), "DATABASE_URL": testservices.Database(t), "LINK_KEY": schema.NewDevelopmentLinkKey(),
	} {
		t.Setenv(name, value)
	}
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteDevelopmentKeyset(keyset))
	r := start(t, []string{"run", "--dev", "--port=0", "--metrics-address=127.0.0.1:0", "--public-base-url=http://127.0.0.1",
		"--s3-bucket=" + bucket.Bucket, "--s3-endpoint=" + bucket.Endpoint, "--keyset-file=" + keyset, "--stop-grace=5s"})

	status, body := r.get(r.url + "/readyz")
	require.Equal(t, http.StatusOK, status, body)
	status, body = r.get(r.metrics + "/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `satchel_exports{status="pending"} 0`)
	status, body = r.get(r.url + "/schemas/account-export-1.0.json")
	require.Equal(t, http.StatusOK, status, "%s\n%s", body, r.logs)
	require.Contains(t, body, "balanceTransactions")
	status, body = r.get(r.url + "/openapi.json")
	require.Equal(t, http.StatusOK, status)
	require.True(t, json.Valid([]byte(body)))

	// A request that is under way when the program is stopped.
	slow, send := io.Pipe()
	answered := make(chan int, 1)
	go func() {
		res, err := http.Post(r.url+"/session", "application/x-www-form-urlencoded", slow) //nolint:noctx // the test ends
		if err != nil {
			answered <- 0
			return
		}
		defer res.Body.Close()
		answered <- res.StatusCode
	}()
	_, err := io.WriteString(send, "token=")
	require.NoError(t, err)
	eventually(t, "the request is under way", func() bool {
		_, body := r.get(r.metrics + "/metrics")
		return strings.Contains(body, "satchel_http_requests_in_flight 1")
	})
	r.stop()
	eventually(t, "no more connections are accepted", func() bool {
		res, err := http.Get(r.url + "/healthz") //nolint:noctx // the test ends
		if err == nil {
			_ = res.Body.Close()
		}
		return err != nil
	})
	require.NoError(t, send.Close())
	require.Equal(t, http.StatusUnauthorized, <-answered, "what was under way is answered")
	select {
	case err := <-r.done:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("the program did not end")
	}
	for lines := bufio.NewScanner(strings.NewReader(r.logs.String())); lines.Scan(); {
		require.True(t, json.Valid(lines.Bytes()), "logs are JSON: %s", lines.Text())
	}
	require.Len(t, r.logs.linesWith(`"msg":"stopped"`), 1)
}

func TestATakenPortIsAClearError(t *testing.T) {
	t.Cleanup(func() { slog.SetDefault(logger) }) // the program sets the process'
	t.Setenv("DATABASE_URL", testservices.Database(t))
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteKeyset(keyset))
	running := newFixture(t)
	port := running.url[strings.LastIndex(running.url, ":")+1:]
	err := run(t.Context(), flags("database-url=", "keyset-file="+keyset, "dev=true", "host=127.0.0.1", "port="+port), io.Discard, io.Discard)
	require.ErrorContains(t, err, "listen on 127.0.0.1:"+port+" (HOST, PORT)")
}

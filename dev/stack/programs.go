package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"satchel/dev/services"
)

// bucket is the name of the bucket of a stack.
const bucket = "satchel"

// build compiles worker and server into .dev/bin of the repository, which all stacks
// share.
func (s *Stack) build(ctx context.Context) error {
	root, err := services.Root()
	if err != nil {
		return err
	}
	s.bin = filepath.Join(root, ".dev", "bin")
	if err := os.MkdirAll(s.bin, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", s.bin, err)
	}
	building, err := waitForLock(filepath.Join(s.bin, "build.lock"))
	if err != nil {
		return err
	}
	defer building.Close()
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", s.bin+string(filepath.Separator), "./worker", "./server")
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build worker and server: %w\n%s", err, strings.TrimSpace(string(output)))
	}
	return nil
}

// program returns the path of a built program.
func (s *Stack) program(name string) string { return filepath.Join(s.bin, name) }

// environ returns the environment that worker and server share.
func (s *Stack) environ() []string {
	return services.Environ(
		"DEV=true",
		"DATABASE_URL="+s.Postgres.URL(database),
		"S3_BUCKET="+bucket,
		"S3_ENDPOINT="+s.S3.Endpoint(),
		"AWS_REGION="+services.Region,
		"AWS_ACCESS_KEY_ID="+accessKey,
		"AWS_SECRET_ACCESS_KEY="+s.secrets.s3,
		"AWS_EC2_METADATA_DISABLED=true",
		"LINK_KEY="+s.secrets.link,
		"KEYSET_FILE="+s.secrets.keyset,
		"PUBLIC_BASE_URL="+s.Demo.BaseURL,
		"TEMPORAL_ADDRESS="+s.Temporal.Address(),
		"TEMPORAL_NAMESPACE=default",
	)
}

func (s *Stack) workerEnviron() []string {
	env := append(s.environ(),
		"METRICS_ADDRESS="+services.Loopback(s.options.Ports.WorkerMetrics),
		"ARCHIVE_DATABASE_URL="+s.Postgres.URL(database),
		"WEBHOOK_ALLOW=127.0.0.0/8,::1/128",
		"WEBHOOK_ALLOW_HTTP=true",
		"RESEND_API_KEY=re_dev",
		"RESEND_BASE_URL="+s.Mailbox.URL,
		"MAIL_FROM=Satchel <exports@satchel.example>",
	)
	return append(env, s.options.Env...)
}

func (s *Stack) serverEnviron() []string {
	env := append(s.environ(),
		"METRICS_ADDRESS="+services.Loopback(s.options.Ports.ServerMetrics),
		"HOST=127.0.0.1",
		"WEBHOOK_ALLOW=127.0.0.0/8,::1/128",
		"WEBHOOK_ALLOW_HTTP=true",
		"PORT="+strconv.Itoa(s.options.Ports.Web),
	)
	if s.options.UI {
		env = append(env, "TEMPORAL_UI_URL="+s.Demo.TemporalUIURL)
	}
	return append(append(env, s.options.Windows.environ()...), s.options.Env...)
}

// prepare creates the keyset and migrates the database with the commands of the worker.
func (s *Stack) prepare(ctx context.Context) error {
	if _, err := os.Stat(s.secrets.keyset); errors.Is(err, os.ErrNotExist) {
		if err := s.run(ctx, "make the keyset", "keyset", "--dev", s.secrets.keyset); err != nil {
			return err
		}
	}
	return s.run(ctx, "migrate the database", "migrate", "--platform")
}

// run runs a command of the worker to its end.
func (s *Stack) run(ctx context.Context, what string, args ...string) error {
	cmd := exec.CommandContext(ctx, s.program("worker"), args...)
	cmd.Env = s.workerEnviron()
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", what, err, strings.TrimSpace(string(output)))
	}
	return nil
}

// newPrograms prepares worker and server.
func (s *Stack) newPrograms() {
	s.Worker = services.New(services.Spec{
		Name: "worker", Path: s.program("worker"), Args: []string{"run"}, Env: s.workerEnviron(),
		Log: s.options.log("worker"), Grace: 40 * time.Second,
		Ready: services.ReadyWhenOK("http://" + services.Loopback(s.options.Ports.WorkerMetrics) + "/readyz"),
	})
	s.Server = services.New(services.Spec{
		Name: "server", Path: s.program("server"), Env: s.serverEnviron(),
		Log: s.options.log("server"), Grace: 20 * time.Second,
		Ready: services.ReadyWhenOK(s.Demo.BaseURL + "/readyz"),
	})
}

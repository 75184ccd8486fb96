package main

import (
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/stack"
)

func parse(t *testing.T, args ...string) (commands, string) {
	t.Helper()
	var cmd commands
	parser, err := kong.New(&cmd, kong.Name("dev"))
	require.NoError(t, err)
	parsed, err := parser.Parse(args)
	require.NoError(t, err)
	return cmd, parsed.Command()
}

func TestEveryPortCanBeMovedByItsVariable(t *testing.T) {
	cmd, command := parse(t)
	require.Equal(t, "up", command)
	require.Equal(t, []int{8080, 7233, 8233, 7070, 8025, 55432, 9091, 9090}, ports(cmd.Up))
	for _, variable := range []string{"PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "S3_PORT", "MAILBOX_PORT", "POSTGRES_PORT", "WORKER_METRICS_PORT", "SERVER_METRICS_PORT"} {
		t.Setenv(variable, "20001")
	}
	cmd, _ = parse(t, "up")
	for _, port := range ports(cmd.Up) {
		require.Equal(t, 20001, port)
	}
}

func TestFillParsesRowsByCategory(t *testing.T) {
	cmd, _ := parse(t, "fill", "calls=800000", "contacts=5000")
	require.Equal(t, map[string]int64{"calls": 800000, "contacts": 5000}, cmd.Fill.Rows)
	require.ErrorContains(t, fill{Dir: t.TempDir()}.Run(t.Context()), "start it with `make dev`")
}

func TestTheStartMessageListsSignInLinks(t *testing.T) {
	text := startMessage(stack.Demo{
		BaseURL: "http://127.0.0.1:8080", MailboxURL: "http://127.0.0.1:8025",
		Accounts: []demo.Account{{Name: "Bakery", Users: []demo.User{{Email: "ada@example.com", Role: "owner", SignInURL: "http://127.0.0.1:8080/dev/sign-in?user=US1"}},
			APIKey: demo.APIKey{SID: "SK1", Secret: "s3cret"}}},
	}, "127.0.0.1:55432", ".dev/log", ".dev/demo.json")
	for _, want := range []string{"http://127.0.0.1:8080\n", "http://127.0.0.1:8025", "Bakery", "ada@example.com", "/dev/sign-in?user=US1", "curl -u SK1:s3cret", "Ctrl-C"} {
		require.Contains(t, text, want)
	}
}

func ports(u up) []int {
	return []int{u.Port, u.Temporal, u.TemporalUI, u.S3, u.Mailbox, u.Postgres, u.WorkerMetrics, u.ServerMetrics}
}

package stack_test

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver
	"github.com/stretchr/testify/require"

	"satchel/activities/vault"
	"satchel/dev/stack"
	"satchel/schema"
)

func TestAStackStartsWithItsDemoAccountsAndRestartsWhatCrashes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, stack.Options{Dir: dir})

	text, err := os.ReadFile(s.DemoFile())
	require.NoError(t, err)
	var running stack.Demo
	require.NoError(t, json.Unmarshal(text, &running))
	want, err := json.Marshal(s.Demo)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(text))
	require.GreaterOrEqual(t, len(running.Accounts), 4, "a small account, a parent with two subaccounts, one with a member")
	members := 0
	for _, account := range running.Accounts {
		for _, user := range account.Users {
			if user.Role == "member" {
				members++
			}
		}
		res := get(t, http.DefaultClient, running.BaseURL+"/v1/account/exports", account.APIKey.SID, account.APIKey.Secret)
		require.Equal(t, http.StatusOK, res, "the API key of %s", account.Name)
		res = get(t, http.DefaultClient, running.BaseURL+"/v1/account/exports", account.AccountSID, account.AuthToken)
		require.Equal(t, http.StatusOK, res, "the auth token of %s", account.Name)
	}
	require.NotZero(t, members)
	requireSealedTokens(t, running, filepath.Join(dir, "secrets", "keyset.json"))

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}
	require.Equal(t, http.StatusUnauthorized, get(t, browser, running.BaseURL+"/v1/account/exports", "", ""))
	get(t, browser, running.Accounts[0].Users[0].SignInURL, "", "")
	require.Equal(t, http.StatusOK, get(t, browser, running.BaseURL+"/v1/account/exports", "", ""))

	_, err = stack.Start(t.Context(), stack.Options{Dir: dir})
	require.ErrorContains(t, err, "is running on this data")
	require.FileExists(t, s.DemoFile(), "the refused start changes nothing")

	require.NoError(t, s.Stop())
	require.NoFileExists(t, s.DemoFile())
	var mu sync.Mutex
	var reported []string
	again := start(t, stack.Options{Dir: dir, Say: func(format string, _ ...any) {
		mu.Lock()
		defer mu.Unlock()
		reported = append(reported, format)
	}})
	for i := range running.Accounts {
		require.Equal(t, running.Accounts[i].AuthToken, again.Demo.Accounts[i].AuthToken)
	}

	requireRestart(t, again)
	mu.Lock()
	defer mu.Unlock()
	require.Contains(t, strings.Join(reported, "\n"), "ended by itself and is started again")
}

// requireSealedTokens checks that the accounts' sealed tokens can be unsealed.
func requireSealedTokens(t *testing.T, running stack.Demo, keyset string) {
	t.Helper()
	keys, err := vault.OpenKeyset(keyset)
	require.NoError(t, err)
	db, err := sql.Open("postgres", running.DatabaseURL)
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // read only
	for _, account := range running.Accounts {
		var sealed []byte
		require.NoError(t, db.QueryRow(`select auth_token_sealed from platform.accounts where sid = $1`, account.AccountSID).Scan(&sealed))
		token, err := keys.Unseal(t.Context(), sealed, account.AccountSID, schema.SealedToken)
		require.NoError(t, err)
		require.Equal(t, account.AuthToken, string(token))
	}
}

// requireRestart kills the worker and waits until the stack has restarted it.
func requireRestart(t *testing.T, s *stack.Stack) {
	t.Helper()
	s.Watch()
	before := s.Worker.PID()
	require.NoError(t, syscall.Kill(before, syscall.SIGKILL))
	require.Eventually(t, func() bool { now := s.Worker.PID(); return now != 0 && now != before }, time.Minute, 10*time.Millisecond)
}

func start(t *testing.T, o stack.Options) *stack.Stack {
	t.Helper()
	s, err := stack.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s
}

func get(t *testing.T, client *http.Client, url, user, password string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	res, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

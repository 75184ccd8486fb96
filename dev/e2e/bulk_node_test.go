package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/dev/services"
	"satchel/dev/tools"
	"satchel/schema"
)

// nodeModules returns the directory with Twilio's client for Node in the versions of
// the lock file. It is installed once, into .dev of the repository.
func nodeModules(t *testing.T) string {
	t.Helper()
	require.False(t, tools.Node.Missing(), "this test needs Node and npm: `make test` installs them")
	root, err := services.Root()
	require.NoError(t, err)
	lock, err := os.ReadFile("node/package-lock.json")
	require.NoError(t, err)
	require.NotContains(t, string(lock), `"resolved"`, "make the lock file with npm install --omit-lockfile-registry-resolved")
	manifest, err := os.ReadFile("node/package.json")
	require.NoError(t, err)
	hash := sha256.Sum256(append(lock, manifest...))
	at := filepath.Join(root, ".dev", "node", hex.EncodeToString(hash[:6]))
	modules := filepath.Join(at, "node_modules")
	if _, err := os.Stat(modules); !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err)
		return modules
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
	partial, err := os.MkdirTemp(filepath.Dir(at), "partial-")
	require.NoError(t, err)
	defer os.RemoveAll(partial)
	require.NoError(t, os.WriteFile(filepath.Join(partial, "package-lock.json"), lock, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(partial, "package.json"), manifest, 0o600))
	t.Log("Installing Twilio's client for Node with `npm ci`, once. It takes a few seconds.")
	ctx, cancel := context.WithTimeout(t.Context(), fixture.Timeout)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = partial
	output, err := npm.CombinedOutput()
	require.NoError(t, err, "npm ci: %s", output)
	if err := os.Rename(partial, at); err != nil {
		require.DirExists(t, modules, "unless another process has installed it: %s", err)
	}
	return modules
}

// node runs a program with the input on stdin and returns its output.
func node(ctx context.Context, modules, program string, input []byte) ([]byte, error) {
	var output, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "node", program)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules, "TWILIO_EDGE=", "TWILIO_REGION=")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &output, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", program, err, &stderr)
	}
	return output.Bytes(), nil
}

func TestTwiliosNodeClientUsesTheWholeAPI(t *testing.T) {
	t.Parallel()
	modules := nodeModules(t)
	n := newAccount(t, demo.With{})
	sub := newAccount(t, demo.With{Parent: n.AccountSID})
	to := fixture.Yesterday()
	from := to.Plus(-1)
	for _, typ := range schema.ResourceTypes {
		n.fill(typ, to, to, 30)
		sub.fill(typ, to, to, 30)
	}
	var call string
	require.NoError(t, n.st.DB.QueryRow(`select max(sid) from platform.calls where account_sid = $1`, n.AccountSID).Scan(&call))
	input, err := json.Marshal(map[string]any{
		"satchel": n.st.Demo.BaseURL, "account": n.AccountSID, "token": n.AuthToken, "key": n.APIKey.SID, "secret": n.APIKey.Secret,
		"from": from, "to": to, "long": to.Plus(-99), "single": to.Plus(-400).To(to.Plus(-389)), "call": call,
	})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*fixture.Timeout)
	defer cancel()
	output, err := node(ctx, modules, "node/scenario.js", input)
	require.NoError(t, err)
	var got struct {
		Files   map[schema.ResourceType]map[schema.Day]string
		Rebuilt string // without the erased call
	}
	require.NoError(t, json.Unmarshal(output, &got))
	for typ, files := range got.Files {
		require.Len(t, files, 2)
		require.Empty(t, files[from])
		lines := linesOf(t, files[to])
		require.Len(t, lines, 30)
		require.NotContains(t, files[to], sub.AccountSID)
		if typ != schema.Calls {
			n.requireRecords(typ, to, lines)
		}
	}
	require.Len(t, got.Files, len(schema.ResourceTypes))
	require.Contains(t, got.Files[schema.Calls][to], call)
	rebuilt := linesOf(t, got.Rebuilt)
	require.Len(t, rebuilt, 29)
	n.requireRecords(schema.Calls, to, rebuilt, call)
}

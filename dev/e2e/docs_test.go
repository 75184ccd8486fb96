package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/services"
)

func TestTheDocsShowTheCodeThatTestsRun(t *testing.T) {
	root, err := services.Root()
	require.NoError(t, err)
	clients, err := os.ReadFile(filepath.Join(root, "docs", "clients.md"))
	require.NoError(t, err)
	for path, begins := range map[string]string{"twilioclient/client.go": "import (", "node/twilioClient.js": "const twilio"} {
		code, err := os.ReadFile(path)
		require.NoError(t, err)
		at := strings.Index(string(code), begins)
		require.Positive(t, at+1)
		require.Contains(t, string(clients), string(code[at:]), "docs/clients.md shows dev/e2e/%s as it is", path)
	}
}

package pgconn_test

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema/store/pgconn"
)

func TestErrorsNameTheSettingAndNeverTheURL(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://someone:secret@localhost/satchel":               "SOURCE_DATABASE_URL must say its sslmode",
		"postgres://someone:secret@localhost:port/satchel":          "SOURCE_DATABASE_URL is not a PostgreSQL URL",
		"postgres://someone:secret@localhost/satchel?sslmode=maybe": "SOURCE_DATABASE_URL is not a PostgreSQL URL",
	} {
		_, _, err := pgconn.Open(pgconn.Config{Setting: "SOURCE_DATABASE_URL", URL: url, MaxConns: 1, Dial: (&net.Dialer{}).DialContext})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestOpenConnectsToNothing(t *testing.T) {
	dialed := false
	pool, _, err := pgconn.Open(pgconn.Config{
		Setting: "DATABASE_URL", URL: "postgres://localhost/satchel?sslmode=disable", MaxConns: 3,
		Dial: func(context.Context, string, string) (net.Conn, error) { dialed = true; return nil, net.ErrClosed },
	})
	require.NoError(t, err)
	require.Equal(t, 3, pool.Stats().MaxOpenConnections)
	require.False(t, dialed)
	require.Error(t, pool.PingContext(t.Context()))
	require.True(t, dialed)
	require.NoError(t, pool.Close())
}

package api

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNegotiateReturnsTheCodingThatTheClientPrefers(t *testing.T) {
	t.Parallel()
	const neither = coding("")
	for _, c := range []struct {
		headers []string
		want    coding
	}{
		{nil, identity},
		{[]string{""}, identity},
		{[]string{"gzip"}, gzipped},
		{[]string{"GZip"}, gzipped},
		{[]string{"x-gzip"}, gzipped},
		{[]string{"gzip, deflate, br, zstd"}, gzipped},
		{[]string{"br", "gzip"}, gzipped},
		{[]string{"br;q=1.0, gzip;q=0.8, *;q=0.1"}, gzipped},
		{[]string{"deflate, br"}, identity},
		{[]string{"gzip;q=0"}, identity},
		{[]string{"gzip; q=0.000"}, identity},
		{[]string{"gzip;q=0.5, identity"}, identity},
		{[]string{"gzip;q=0.5, identity;q=0.5"}, gzipped},
		{[]string{"gzip;q=0.1, identity;q=0"}, gzipped},
		{[]string{"*"}, gzipped},
		{[]string{"*;q=0.3, gzip;q=0"}, identity},
		{[]string{"identity"}, identity},
		{[]string{"identity;q=0.2"}, identity},
		{[]string{"identity;q=0"}, neither},
		{[]string{"gzip;q=0, identity;q=0"}, neither},
		{[]string{"*;q=0"}, neither},
		{[]string{"*;q=0, identity"}, identity},
		{[]string{"br, *;q=0"}, neither},
		{[]string{"gzip;q=1"}, gzipped},
		{[]string{"gzip;Q=1.000"}, gzipped},
		{[]string{"gzip;q=1, identity;q=0.9"}, gzipped},
		{[]string{"gzip;q=0.9, identity;q=1"}, identity},
		{[]string{"identity;q=1, *;q=0"}, identity},
		{[]string{"gzip;q=0.001"}, gzipped},
		{[]string{"gzip;q=1.1"}, identity},
		{[]string{"gzip;q=-1"}, identity},
		{[]string{"gzip;q="}, identity},
		{[]string{"gzip;q=abc"}, identity},
		{[]string{"gzip;q=NaN"}, identity},
		{[]string{"gzip;level=9"}, identity},
		{[]string{" , gzip ,"}, gzipped},
	} {
		got, ok := negotiate(c.headers)
		require.Equal(t, c.want, got, "%q", c.headers)
		require.Equal(t, c.want != neither, ok, "%q", c.headers)
	}
}

package testservices

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"satchel/dev/services"
)

// S3 is a bucket and its credentials; addresses are path-style.
type S3 struct {
	Endpoint, Region, Bucket, AccessKey, SecretKey string
}

const (
	accessKey = "satchel-tests"
	secretKey = "satchel-tests-secret"
)

var (
	storage = shared(func(ctx context.Context, dir string, port int) (*services.S3, *services.Service, error) {
		s, err := services.NewS3(services.S3Options{
			Dir: filepath.Join(dir, "s3"), Log: filepath.Join(dir, "s3.log"), Port: port, AccessKey: accessKey, SecretKey: secretKey,
		})
		if err != nil {
			return nil, nil, err
		}
		return s, s.Service, s.Start(ctx)
	})

	buckets atomic.Int64
)

// Bucket creates an empty bucket for this test.
func Bucket(t testing.TB) S3 {
	t.Helper()
	s, err := storage()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test-%d", buckets.Add(1))
	if err := s.EnsureBucket(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	return S3{Endpoint: s.Endpoint(), Region: services.Region, Bucket: name, AccessKey: accessKey, SecretKey: secretKey}
}

package services

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sys/unix"
)

// Region is the region of the S3 server.
const Region = "us-east-1"

// S3Options configure a private S3 server.
type S3Options struct {
	Dir       string // of its objects and their metadata
	Log       string
	Port      int
	AccessKey string
	SecretKey string
}

// S3 is a private S3 server that stores objects in a directory. It checks
// signatures and supports versioned buckets.
type S3 struct {
	*Service
	options S3Options
}

// NewS3 prepares an S3 server.
func NewS3(o S3Options) (*S3, error) {
	path, err := Tool("versitygw")
	if err != nil {
		return nil, err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	objects, versions, metadata := filepath.Join(o.Dir, "objects"), filepath.Join(o.Dir, "versions"), filepath.Join(o.Dir, "metadata")
	for _, dir := range []string{objects, versions, metadata} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make %s: %w", dir, err)
		}
	}
	args := []string{"--port", Loopback(o.Port), "--region", Region, "--health", "/health", "--quiet", "--keep-alive",
		"posix", "--versioning-dir", versions}
	if !xattrsWork(objects) {
		args = append(args, "--sidecar", metadata)
	}
	s := &S3{options: o}
	s.Service = New(Spec{
		Name: "S3", Path: path, Args: append(args, objects), Log: o.Log, Ready: s.ready,
		Env: Environ("ROOT_ACCESS_KEY_ID="+o.AccessKey, "ROOT_SECRET_ACCESS_KEY="+o.SecretKey),
	})
	return s, nil
}

// Endpoint returns the server's URL.
func (s *S3) Endpoint() string { return "http://" + Loopback(s.options.Port) }

// Client returns a client with the credentials of the server.
func (s *S3) Client() *s3.Client {
	return s3.New(s3.Options{
		Region: Region, BaseEndpoint: aws.String(s.Endpoint()), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(s.options.AccessKey, s.options.SecretKey, ""),
	})
}

// EnsureBucket creates the bucket if it is missing.
func (s *S3) EnsureBucket(ctx context.Context, name string) error {
	_, err := s.Client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
	if _, owned := errors.AsType[*types.BucketAlreadyOwnedByYou](err); owned {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the bucket %s: %w", name, err)
	}
	return nil
}

func (s *S3) ready(ctx context.Context) error { return checkOK(ctx, s.Endpoint()+"/health") }

// checkOK returns nil if GET url answers 200.
func checkOK(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 300)) // best effort: it only explains the status
		return fmt.Errorf("GET %s answers %s %s", req.URL.Path, res.Status, body)
	}
	return nil
}

// xattrsWork reports whether files in dir can have extended attributes.
func xattrsWork(dir string) bool {
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return false
	}
	defer os.Remove(probe.Name())
	defer probe.Close()
	return unix.Fsetxattr(int(probe.Fd()), "user.satchel", []byte("yes"), 0) == nil
}

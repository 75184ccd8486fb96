package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Config locates the bucket and the deployment's key. Region and credentials come
// from AWS's own environment and files.
type Config struct {
	Bucket     string `name:"s3-bucket" env:"S3_BUCKET" required:"" help:"Bucket that holds pieces and archives. Never shared with other software: removal lists and deletes in it."`
	Endpoint   string `name:"s3-endpoint" env:"S3_ENDPOINT" help:"URL of an S3 server that is not AWS, addressed path-style. Empty for AWS."`
	KeysetFile string `name:"keyset-file" env:"KEYSET_FILE" xor:"deployment-key" help:"Tink keyset in JSON, mode 0600, that wraps the key of every export. This or KMS_KEY_URI."`
	KMSKeyURI  string `name:"kms-key-uri" env:"KMS_KEY_URI" xor:"deployment-key" help:"AWS KMS key that wraps the key of every export: aws-kms://arn:aws:kms:… This or KEYSET_FILE."`
}

// validate returns an error that names the environment variable to correct.
func (c Config) validate() error {
	switch {
	case c.Bucket == "":
		return errors.New("vault: S3_BUCKET is not set")
	case c.KeysetFile == "" && c.KMSKeyURI == "":
		return errors.New("vault: neither KEYSET_FILE nor KMS_KEY_URI is set")
	case c.KeysetFile != "" && c.KMSKeyURI != "":
		return errors.New("vault: KEYSET_FILE and KMS_KEY_URI are both set; keep the one that wrapped the keys in the database")
	case c.Endpoint != "" && !strings.HasPrefix(c.Endpoint, "http://") && !strings.HasPrefix(c.Endpoint, "https://"):
		return errors.New("vault: S3_ENDPOINT must begin with https:// or http://")
	}
	return nil
}

// Vault is one bucket and one deployment key. It is safe for concurrent use.
type Vault struct {
	*KeyRing
	s3     *s3.Client
	bucket string
	http   *http.Client
}

// Open reads the deployment's key and prepares the client. It does not contact the
// bucket, so that a process can start while S3 is unavailable; Check does.
func Open(ctx context.Context, c Config) (*Vault, error) {
	return open(ctx, c, resilience{idleTimeout: time.Minute, maxBackoff: 5 * time.Second})
}

// resilience configures timeouts and retries.
type resilience struct {
	idleTimeout   time.Duration                             // of a connection without data flowing
	maxBackoff    time.Duration                             // between two attempts
	wrapTransport func(http.RoundTripper) http.RoundTripper // for tests; nil for none
}

func open(ctx context.Context, c Config, r resilience) (*Vault, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	settings, err := config.LoadDefaultConfig(ctx, config.WithRetryer(r.retryer))
	if err != nil {
		return nil, fmt.Errorf("vault: read AWS's settings: %w", err)
	}
	if settings.Region == "" {
		if c.Endpoint == "" {
			return nil, errors.New("vault: AWS_REGION is not set")
		}
		settings.Region = "us-east-1" // other S3 servers need some region in signatures, rarely a specific one
	}
	client := newHTTPClient(settings.HTTPClient, r.idleTimeout)
	if r.wrapTransport != nil {
		client.Transport = r.wrapTransport(client.Transport)
	}
	settings.HTTPClient = client

	ring, err := openKeyRing(ctx, c, settings)
	if err != nil {
		return nil, err
	}
	return &Vault{KeyRing: ring, bucket: c.Bucket, http: client, s3: s3.NewFromConfig(settings, func(o *s3.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = aws.String(c.Endpoint), true
		}
		// age authenticates every byte that is read; a checksum adds nothing.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})}, nil
}

// Close closes idle connections. Running calls continue.
func (v *Vault) Close() { v.http.CloseIdleConnections() }

// retryer bridges a restart of the server: five attempts within about ten
// seconds. Waiting for longer outages is up to the caller.
func (r resilience) retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 5
		o.MaxBackoff = r.maxBackoff
		o.RateLimiter = ratelimit.None // one request's failures must not use up another's retries
	})
}

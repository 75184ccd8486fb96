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

// Config says where objects and the deployment's key are. Region and
// credentials come from AWS's own environment and files.
type Config struct {
	Bucket     string `name:"s3-bucket" env:"S3_BUCKET" required:"" help:"Bucket that holds pieces and archives. Never shared with other software: removal lists and deletes in it."`
	Endpoint   string `name:"s3-endpoint" env:"S3_ENDPOINT" help:"URL of an S3 server that is not AWS, addressed path-style. Empty for AWS."`
	KeysetFile string `name:"keyset-file" env:"KEYSET_FILE" xor:"deployment-key" help:"Tink keyset in JSON, mode 0600, that wraps the key of every export. This or KMS_KEY_URI."`
	KMSKeyURI  string `name:"kms-key-uri" env:"KMS_KEY_URI" xor:"deployment-key" help:"AWS KMS key that wraps the key of every export: aws-kms://arn:aws:kms:… This or KEYSET_FILE."`
}

// check says what is wrong with the settings in words of the environment.
func (c Config) check() error {
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

// Vault is one bucket and one deployment key. It may be used by any number of
// goroutines.
type Vault struct {
	*KeyRing
	s3     *s3.Client
	bucket string
	http   *http.Client
}

// Open reads the deployment's key and prepares the client. It does not ask
// whether the bucket is there: that is what Check is for, so a process can
// start while S3 is away.
func Open(ctx context.Context, c Config) (*Vault, error) {
	return open(ctx, c, nature{patience: time.Minute, backoff: 5 * time.Second})
}

// nature is what a vault is like when things go wrong.
type nature struct {
	patience time.Duration                             // with a connection on which nothing moves
	backoff  time.Duration                             // at most, between two tries
	wire     func(http.RoundTripper) http.RoundTripper // around every request; nil for none
}

func open(ctx context.Context, c Config, n nature) (*Vault, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	settings, err := config.LoadDefaultConfig(ctx, config.WithRetryer(n.retryer))
	if err != nil {
		return nil, fmt.Errorf("vault: read AWS's settings: %w", err)
	}
	if settings.Region == "" {
		if c.Endpoint == "" {
			return nil, errors.New("vault: AWS_REGION is not set")
		}
		settings.Region = "us-east-1" // other S3 servers want a region in signatures, seldom a certain one
	}
	client := newHTTPClient(settings.HTTPClient, n.patience)
	if n.wire != nil {
		client.Transport = n.wire(client.Transport)
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
		// The seal proves every byte that is read; another sum would prove it twice.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})}, nil
}

// Check tells whether the bucket can be reached with our credentials.
func (v *Vault) Check(ctx context.Context) error {
	_, err := v.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &v.bucket}, func(o *s3.Options) { o.RetryMaxAttempts = 1 })
	if err = failed(ctx, "look for the bucket", err); errors.Is(err, ErrNotFound) {
		return fmt.Errorf("vault: there is no bucket %s", v.bucket)
	}
	return err
}

// Close ends idle connections. Calls still running are not disturbed.
func (v *Vault) Close() { v.http.CloseIdleConnections() }

// retryer sits out a restart of the server: five tries over some ten
// seconds. The wait for longer absences is the caller's.
func (n nature) retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 5
		o.MaxBackoff = n.backoff
		o.RateLimiter = ratelimit.None // one request's bad luck must not fail another's
	})
}

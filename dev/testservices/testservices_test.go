package testservices_test

import (
	"database/sql"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"satchel/dev/testservices"
	"satchel/schema/migrations"
)

func TestMain(m *testing.M) { testservices.Main(m) }

func TestEachTestHasAMigratedDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	one, other := open(t, testservices.Database(t)), open(t, testservices.Database(t))
	for _, set := range []migrations.Set{migrations.Satchel, migrations.Platform} {
		state, err := migrations.StateOf(t.Context(), one, set)
		require.NoError(t, err)
		require.Equal(t, migrations.Current, state, set)
	}
	_, err := one.Exec(`create table mine ()`)
	require.NoError(t, err)
	_, err = other.Exec(`select from mine`)
	require.ErrorContains(t, err, "does not exist")
}

func TestAnEmptyDatabaseIsEmpty(t *testing.T) {
	t.Parallel()
	var tables int
	require.NoError(t, open(t, testservices.EmptyDatabase(t)).QueryRow(`select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`).Scan(&tables))
	require.Zero(t, tables)
}

func TestABucketRefusesAWrongSecretAndKeepsVersionsWhenAsked(t *testing.T) {
	t.Parallel()
	bucket := testservices.Bucket(t)
	good, bad := s3Client(bucket, bucket.SecretKey), s3Client(bucket, "a guess")

	put := &s3.PutObjectInput{Bucket: &bucket.Bucket, Key: aws.String("exports/EX1/piece"), Body: strings.NewReader("one")}
	_, err := bad.PutObject(t.Context(), put)
	require.ErrorContains(t, err, "SignatureDoesNotMatch")

	_, err = good.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &bucket.Bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	require.NoError(t, err)
	for _, text := range []string{"one", "two"} {
		put.Body = strings.NewReader(text)
		_, err = good.PutObject(t.Context(), put)
		require.NoError(t, err)
	}
	versions, err := good.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket.Bucket})
	require.NoError(t, err)
	require.Len(t, versions.Versions, 2)
}

func TestTemporalHasTheSearchAttributes(t *testing.T) {
	t.Parallel()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: testservices.Temporal(t)})
	require.NoError(t, err)
	defer c.Close()
	count, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Query: `ExportAccount = "AC0" and ExportStatus = "completed"`})
	require.NoError(t, err)
	require.Zero(t, count.Count)
}

func TestAMailboxStartsEmptyAndStoresMail(t *testing.T) {
	t.Parallel()
	inbox := testservices.Mailbox(t)
	require.Empty(t, inbox.Messages())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, inbox.URL+"emails",
		strings.NewReader(`{"from":"exports@example.com","to":["ada@example.com"],"subject":"s","text":"t"}`))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer re_test")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Len(t, inbox.Messages(), 1)
}

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func s3Client(b testservices.S3, secret string) *s3.Client {
	return s3.New(s3.Options{Region: b.Region, BaseEndpoint: &b.Endpoint, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(b.AccessKey, secret, "")})
}

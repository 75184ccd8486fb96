package bulkexport_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"satchel/activities/bulkexport"
	"satchel/schema"
)

// memory is a vault that keeps objects in memory, and may return others.
type memory struct {
	bulkexport.Vault
	objects map[string][]byte
	removed []string
	read    func(stored []byte) ([]byte, error) // nil for the stored bytes
}

func (m *memory) NewKey(context.Context, string, string) (string, []byte, error) {
	return "recipient", []byte("wrapped"), nil
}

func (m *memory) Create(_ context.Context, key, _ string, write func(io.Writer) error) (int64, error) {
	var object bytes.Buffer
	if err := write(&object); err != nil {
		return 0, err
	}
	m.objects[key] = object.Bytes()
	return int64(object.Len()), nil
}

func (m *memory) Unlock(_ context.Context, wrapped []byte, _, _ string) (schema.ObjectOpener, error) {
	if string(wrapped) != "wrapped" {
		return nil, errors.New("another key")
	}
	return m, nil
}

func (m *memory) Get(_ context.Context, key string, _ []byte) ([]byte, error) {
	stored, ok := m.objects[key]
	if !ok {
		return nil, fmt.Errorf("there is no %s", key)
	}
	if m.read != nil {
		return m.read(bytes.Clone(stored))
	}
	return stored, nil
}

func (m *memory) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	content, err := m.Get(ctx, key, nil)
	return io.NopCloser(bytes.NewReader(content)), err
}

func (m *memory) Remove(_ context.Context, prefix string) (schema.Certificate, error) {
	m.removed = append(m.removed, prefix)
	for key := range m.objects {
		if len(key) > len(prefix) && key[:len(prefix)] == prefix {
			delete(m.objects, key)
		}
	}
	return schema.Certificate{}, nil
}

func (m *memory) Folders(context.Context, string) iter.Seq2[string, error] { panic("not listed") }
func (m *memory) LastModified(context.Context, string) (time.Time, error)  { panic("not listed") }

// published is a store that remembers what was published.
type published struct {
	bulkexport.Store
	files []schema.NewDayFile
}

func (p *published) Configuration(context.Context, string, schema.ResourceType) (schema.BulkConfiguration, error) {
	return schema.BulkConfiguration{Enabled: true}, nil
}

func (p *published) Now(context.Context) (time.Time, error) { return time.Now(), nil }
func (p *published) RecordSourceVisible(context.Context, string, schema.ResourceType, bool) (time.Duration, error) {
	return 0, nil
}

func (p *published) PublishDayFile(_ context.Context, f schema.NewDayFile) (string, error) {
	p.files = append(p.files, f)
	return "", nil
}

// messages is a platform with so many messages every day.
type messages int

func (messages) Account(_ context.Context, id string) (schema.Account, error) {
	return schema.Account{ID: id}, nil
}
func (messages) SigningKey(context.Context, string) ([]byte, error) { panic("nothing is signed") }
func (m messages) ReadDay(_ context.Context, _ schema.ResourceType, _ string, _ schema.Day, _ []string, do func(schema.RecordReader) error) error {
	rows := m
	return do(&rows)
}

func (*messages) Expected() (int64, error) { return 0, nil }
func (*messages) Key() string              { return "" }

func (m *messages) AppendRow(dst []byte) ([]byte, error) {
	if *m == 0 {
		return dst, io.EOF
	}
	*m--
	return fmt.Appendf(dst, `{"sid":"SM%032d"}`, *m), nil
}

type uncounted struct{}

func (uncounted) WroteDay(schema.ResourceType, int64, int64) {}

func (uncounted) WebhookWaited() {}

func writeDay(a *bulkexport.Activities) (result bulkexport.WriteDayResult, err error) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(a)
	answer, err := env.ExecuteActivity(a.WriteDay, bulkexport.WriteDayInput{
		Account: schema.NewAccountID(), Type: schema.Messages, Day: "2026-03-01", Limits: schema.DefaultBulkLimits(),
	})
	if err == nil {
		err = answer.Get(&result)
	}
	return result, err
}

func TestADayFileThatReadsBackDifferentlyIsNotPublishedAndIsWrittenAnew(t *testing.T) {
	for name, read := range map[string]func([]byte) ([]byte, error){
		"another byte": func(b []byte) ([]byte, error) { b[len(b)/2] ^= 1; return b, nil },
		"cut short":    func(b []byte) ([]byte, error) { return b[:len(b)-1], nil },
		"longer":       func(b []byte) ([]byte, error) { return append(b, 0), nil },
		"empty":        func([]byte) ([]byte, error) { return nil, nil },
		"unreadable":   func([]byte) ([]byte, error) { return nil, errors.New("the seal does not open") },
	} {
		t.Run(name, func(t *testing.T) {
			vault, store := &memory{objects: map[string][]byte{}, read: read}, &published{}
			a := &bulkexport.Activities{Store: store, Source: messages(1000), Vault: vault, Count: uncounted{}}
			_, err := writeDay(a)
			var failure *temporal.ApplicationError
			require.ErrorAs(t, err, &failure)
			require.False(t, failure.NonRetryable(), "the next attempt writes another file")
			require.Empty(t, store.files)
			require.Empty(t, vault.objects, "the damaged object is removed")
			require.Len(t, vault.removed, 1)

			vault.read = nil
			result, err := writeDay(a)
			require.NoError(t, err)
			require.Equal(t, bulkexport.WriteDayResult{Status: schema.DayCompleted, Records: 1000}, result)
			require.Len(t, store.files, 1)
			require.NotEqual(t, vault.removed[0], schema.DayFilePrefix(store.files[0].ID), "under a new name")
			require.Len(t, vault.objects, 1)
		})
	}
}

func TestADayFileIsWhatItsRowSays(t *testing.T) {
	for _, records := range []int64{0, 1, 20_000} {
		vault, store := &memory{objects: map[string][]byte{}}, &published{}
		_, err := writeDay(&bulkexport.Activities{Store: store, Source: messages(records), Vault: vault, Count: uncounted{}})
		require.NoError(t, err)
		file := store.files[0]
		stored := vault.objects[schema.DayFileObject(file.ID)]
		require.EqualValues(t, len(stored), file.Size)
		require.Equal(t, records, file.Records)
		unzip, err := gzip.NewReader(bytes.NewReader(stored))
		require.NoError(t, err)
		lines, err := io.ReadAll(unzip)
		require.NoError(t, err)
		require.EqualValues(t, records, bytes.Count(lines, []byte("\n")))
	}
}

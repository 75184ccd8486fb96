package hook

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

const vectorKey = "0123456789abcdef0123456789abcdef"

func vectorParams() url.Values {
	return url.Values{
		"account_sid":   {"AC" + strings.Repeat("a", 32)},
		"friendly_name": {"Été & fils"},
		"job_sid":       {"JS" + strings.Repeat("b", 32)},
		"status":        {"completed"},
	}
}

func TestSignaturesMatchKnownVectors(t *testing.T) {
	const at = "https://hooks.example.com/bulk?x=1"
	require.Equal(t, "43+IDuk6PiYRaqrvL4Boqs+BChQ=", sign([]byte(vectorKey), at, vectorParams()))

	get := withQuery(at, vectorParams())
	require.Equal(t, at+"&account_sid=AC"+strings.Repeat("a", 32)+"&friendly_name=%C3%89t%C3%A9+%26+fils&job_sid=JS"+strings.Repeat("b", 32)+"&status=completed", get)
	require.Equal(t, "lslRqAJzJaJkRQD/1YYL6+/HYi4=", sign([]byte(vectorKey), get, nil))

	const json = at + "&bodySHA256=d0765f73cd5d1df39be353d538ea7c47a017d66a8bd001dc4707240dbb71e58c"
	require.Equal(t, "7rDnj4XPDfZ6n9wiJAl0JIlZps0=", sign([]byte(vectorKey), json, nil))
}

func TestRepeatedValuesAreSignedOnceInOrder(t *testing.T) {
	many := url.Values{"b": {"2", "1", "2"}, "a": {""}}
	require.Equal(t, sign([]byte("k"), "https://h/ab1b2", nil), sign([]byte("k"), "https://h/", many))
	require.Equal(t, []string{"2", "1", "2"}, many["b"], "the input is unchanged")
}

func TestParametersAreAppendedToTheQuery(t *testing.T) {
	for at, want := range map[string]string{
		"https://h/":       "https://h/?a=1",
		"https://h/?":      "https://h/?a=1",
		"https://h/?x":     "https://h/?x&a=1",
		"https://h/?x=%7e": "https://h/?x=%7e&a=1",
		"https://h/?x=1&":  "https://h/?x=1&a=1",
	} {
		require.Equal(t, want, withQuery(at, url.Values{"a": {"1"}}))
	}
}

func flat(p url.Values) map[string]string {
	m := map[string]string{}
	for name, values := range p {
		m[name] = strings.Join(values, "\n")
	}
	return m
}

func TestEventParametersHaveTheContractsNames(t *testing.T) {
	at := time.Date(2026, 3, 5, 11, 12, 30, 987654321, time.FixedZone("CET", 3600))
	job := schema.Event{ID: "7e0fbd1c-5b4c-4a5e-8b39-3c4b8f5f2f01", Account: "AC1", Type: schema.Calls, Job: "JS1", At: at,
		Result: schema.Result{Name: "March & more", Start: "2026-03-01", End: "2026-03-03", Completed: 2, Empty: 1}}
	require.Equal(t, map[string]string{
		"account_sid": "AC1", "resource_type": "Calls", "status": "completed", "job_sid": "JS1", "friendly_name": "March & more",
		"start_day": "2026-03-01", "end_day": "2026-03-03", "days_completed": "2", "days_empty": "1", "days_failed": "0",
		"event_id": "7e0fbd1c-5b4c-4a5e-8b39-3c4b8f5f2f01", "date_created": "2026-03-05T10:12:30Z",
	}, flat(Params(job)))

	daily := schema.Event{ID: "7e0fbd1c-5b4c-4a5e-8b39-3c4b8f5f2f02", Account: "AC1", Type: schema.Messages, Day: "2026-03-04", At: at,
		Result: schema.Result{Failed: 1}}
	require.Equal(t, map[string]string{
		"account_sid": "AC1", "resource_type": "Messages", "status": "failed", "day": "2026-03-04",
		"days_completed": "0", "days_empty": "0", "days_failed": "1",
		"event_id": "7e0fbd1c-5b4c-4a5e-8b39-3c4b8f5f2f02", "date_created": "2026-03-05T10:12:30Z",
	}, flat(Params(daily)))
}

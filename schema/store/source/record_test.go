package source

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/lib/pq/oid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sample returns a plan for a row like a call's, and such a row as received.
func sample(t testing.TB) (*queryPlan, []byte) {
	t.Helper()
	types := typeSet{int64(oid.T__text): {OID: int64(oid.T__text), Kind: "b", Element: int64(oid.T_text)}}
	names, oids, wire := []string{"_key"}, []int64{int64(oid.T_int8)}, appendColumn(nil, oid.T_text, []byte("123456"))
	add := func(name string, typ, wireType oid.Oid, value []byte) {
		names, oids = append(names, name), append(oids, int64(typ))
		if _, ok := types[int64(typ)]; !ok {
			types[int64(typ)] = pgType{OID: int64(typ), Kind: "b"}
		}
		wire = appendColumn(wire, wireType, value)
	}
	for _, name := range []string{"sid", "phoneNumberSid", "flowSid", "campaignSid"} {
		add(name, oid.T_text, oid.T_text, []byte("CA0123456789abcdef0123456789abcdef"))
	}
	for name, value := range map[string]string{"from": "+12025550123", "callerName": `Zoë "Ace" Müller`, "direction": "outbound-api", "status": "completed", "notes": strings.Repeat("words that say something, ", 8) + "\n"} {
		add(name, oid.T_text, oid.T_text, []byte(value))
	}
	add("parentCallSid", oid.T_text, oid.T_text, nil)
	for _, name := range []string{"dateCreated", "dateUpdated", "startTime", "endTime"} {
		add(name, oid.T_timestamptz, oid.T_timestamptz, binary.BigEndian.AppendUint64(nil, 836_000_000_123_456))
	}
	add("duration", oid.T_int4, oid.T_int4, []byte{0, 0, 1, 44})
	add("price", oid.T_numeric, oid.T_numeric, []byte{0, 2, 0, 0, 0x40, 0, 0, 5, 0, 1, 0x13, 0x88}) // -1.50000
	add("qualityScore", oid.T_float8, oid.T_text, []byte("4.3"))
	add("tags", oid.T__text, oid.T__text, []byte("\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x19\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x03vip\xff\xff\xff\xff"))
	add("metadata", oid.T_jsonb, oid.T_jsonb, []byte("\x01"+`{"order": 17, "note": "Customer said: \"hello\" and then some more words", "lang": "en"}`))
	add("sipHeaders", oid.T_json, oid.T_json, []byte(`{"X-Call-ID": "0123456789abcdef0123456789abcdef@10.0.0.1", "User-Agent": "Asterisk PBX 18.9", "Contact": "<sip:17@10.0.0.1:5060>"}`))
	p, err := newQueryPlan("", names, oids, types)
	require.NoError(t, err)
	return p, append(binary.BigEndian.AppendUint32(nil, uint32(len(names))), wire...)
}

// appendColumn appends a column to a record: its type, its size and its value.
func appendColumn(record []byte, typ oid.Oid, value []byte) []byte {
	record = binary.BigEndian.AppendUint32(record, uint32(typ))
	if value == nil {
		return append(record, 0xff, 0xff, 0xff, 0xff)
	}
	return append(binary.BigEndian.AppendUint32(record, uint32(len(value))), value...)
}

func TestARowCostsNoAllocation(t *testing.T) {
	p, wire := sample(t)
	buf := make([]byte, 0, 4096)
	var failed error
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if _, _, err := p.appendRecord(buf, wire); err != nil {
			failed = err
		}
	}))
	require.NoError(t, failed)
	text, key, err := p.appendRecord(nil, wire)
	require.NoError(t, err)
	require.Equal(t, "123456", string(key))
	require.Contains(t, string(text), `"dateCreated":"2026-06-28T22:13:20.123456Z","dateUpdated":`)
	require.Contains(t, string(text), `"duration":300,"price":-1.5000`)
	require.Contains(t, string(text), `"qualityScore":4.3,"tags":["vip",null],"metadata":{"order": 17`)
}

// TestAGarbledRowIsAnErrorAndNoPanic truncates rows and changes bytes at random.
func TestAGarbledRowIsAnErrorAndNoPanic(t *testing.T) {
	p, whole := sample(t)
	for n := range whole {
		_, _, err := p.appendRecord(nil, whole[:n])
		require.ErrorIs(t, err, errTypesChanged, "cut at %d", n)
	}
	rapid.Check(t, func(t *rapid.T) {
		wire := append([]byte(nil), whole...)
		for range rapid.IntRange(1, 5).Draw(t, "changes") {
			wire[rapid.IntRange(0, len(wire)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		_, _, _ = p.appendRecord(nil, wire) // a changed value may still be valid
	})
	for _, write := range []valueWriter{appendArray(appendInt), appendNumeric, (&jsonRewriter{}).writer(), (&jsonRewriter{fields: map[string]*jsonRewriter{`"a"`: {}}}).writer()} {
		rapid.Check(t, func(t *rapid.T) {
			_, _ = write(nil, rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("\x00\x01\x04[]{}\",:a2-"))), 0, 40).Draw(t, "wire"))
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	p, wire := sample(b)
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		text, _, err := p.appendRecord(buf, wire)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(text)))
	}
}

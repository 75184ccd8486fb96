package schema_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

var links = schema.NewLinks([]byte("0123456789abcdef0123456789abcdef"))

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// alterations are what can be done to a base64 text: every bit that it encodes
// flipped, the unused bits of its last character set, and line breaks and
// padding added, which decoders may ignore.
func alterations(t *testing.T, text string) (list []string) {
	t.Helper()
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	for bit := range 8 * len(decoded) {
		decoded[bit/8] ^= 1 << (bit % 8)
		list = append(list, base64.RawURLEncoding.EncodeToString(decoded))
		decoded[bit/8] ^= 1 << (bit % 8)
	}
	for _, last := range base64Alphabet {
		if altered := text[:len(text)-1] + string(last); altered != text {
			list = append(list, altered)
		}
	}
	for n := range len(text) {
		list = append(list, text[:n])
	}
	return append(list, text+"\n", "\r\n"+text, text[:5]+"\n"+text[5:], text+"=", text+"A", strings.ToUpper(text))
}

func TestALinkIsValidForOnePurposeAndOneSubject(t *testing.T) {
	export, user := schema.NewExportID(), schema.NewUserID()
	purposes := map[schema.Purpose]string{
		schema.ToConfirm: export, schema.ToStop: export, schema.ToDownload: export, schema.ToUnsubscribe: user,
	}
	for purpose, subject := range purposes {
		for _, version := range []int{0, 1, 2, 1 << 20} {
			token := links.Token(purpose, subject, version)
			require.Equal(t, token, links.Token(purpose, subject, version), "a retried e-mail is byte-identical")
			for other := range purposes {
				gotSubject, gotVersion, ok := links.Verify(other, token)
				require.Equal(t, other == purpose, ok)
				if ok {
					require.Equal(t, []any{subject, version}, []any{gotSubject, gotVersion})
				} else {
					require.Equal(t, []any{"", 0}, []any{gotSubject, gotVersion})
				}
			}
		}
	}
	token := links.Token(schema.ToConfirm, export, 1)
	_, _, ok := schema.NewLinks([]byte("another key, another key, another")).Verify(schema.ToConfirm, token)
	require.False(t, ok, "another deployment")
}

func TestAnAlteredLinkIsRejected(t *testing.T) {
	token := links.Token(schema.ToConfirm, schema.NewExportID(), 2)
	for _, altered := range append(alterations(t, token), "%00") {
		_, _, ok := links.Verify(schema.ToConfirm, altered)
		require.False(t, ok, "%q", altered)
	}
}

func TestALinkNamesAPersonOnlyToUnsubscribe(t *testing.T) {
	for subject, purpose := range map[string]schema.Purpose{
		schema.NewExportID(): schema.ToUnsubscribe, schema.NewUserID(): schema.ToConfirm, schema.NewJobID(): schema.ToDownload,
		"EX12": schema.ToStop, "EX" + strings.Repeat("g", 32): schema.ToStop, schema.NewExportID() + "00": schema.ToStop,
	} {
		require.Panics(t, func() { links.Token(purpose, subject, 1) }, "%s %s", purpose, subject)
	}
}

func TestAFileLinkIsValidForOneFileOneRequesterAndOneExpiry(t *testing.T) {
	file, user := schema.NewDayFileID(), schema.NewUserID()
	signature := links.FileSignature(file, user, 1_000_000)
	require.True(t, links.VerifyFileSignature(file, user, 1_000_000, signature))
	require.False(t, links.VerifyFileSignature(schema.NewDayFileID(), user, 1_000_000, signature), "another file")
	require.False(t, links.VerifyFileSignature(file, schema.NewUserID(), 1_000_000, signature), "another requester")
	require.False(t, links.VerifyFileSignature(file, "", 1_000_000, signature), "no requester")
	for _, until := range []int64{0, 999_999, 1_000_001, 2_000_000} {
		require.False(t, links.VerifyFileSignature(file, user, until, signature), "another expiry")
	}
	require.False(t, schema.NewLinks([]byte("another key, another key, another")).VerifyFileSignature(file, user, 1_000_000, signature))
	require.NotEqual(t, links.FileSignature(file, "1 US", 2), links.FileSignature(file+" 2 1", "US", 2))
}

func TestAFileLinkNeedsItsWholeSignature(t *testing.T) {
	file, user := schema.NewDayFileID(), schema.NewUserID()
	signature := links.FileSignature(file, user, 1_000_000)
	for n := range len(signature) {
		require.False(t, links.VerifyFileSignature(file, user, 1_000_000, signature[:n]), "the first %d characters", n)
		require.False(t, links.VerifyFileSignature(file, user, 1_000_000, signature[n+1:]), "without the first %d characters", n+1)
		altered := []byte(signature)
		altered[n] ^= 1
		require.False(t, links.VerifyFileSignature(file, user, 1_000_000, string(altered)), "character %d altered", n)
	}
	require.False(t, links.VerifyFileSignature(file, user, 1_000_000, signature+"00"))
}

func TestAPageTokenIsValidForOneList(t *testing.T) {
	for _, position := range []string{"", "1", "1772323200000000.JS0123", strings.Repeat("x", 300)} {
		token := links.PageToken("jobs of AC1", position)
		got, ok := links.OpenPageToken("jobs of AC1", token)
		require.True(t, ok)
		require.Equal(t, position, got)
		require.NotContains(t, token, ".")
		_, ok = links.OpenPageToken("jobs of AC2", token)
		require.False(t, ok, "another list")
		_, ok = links.OpenPageToken("jobs of AC1", strings.TrimPrefix(token, "PT"))
		require.False(t, ok)
		_, ok = schema.NewLinks([]byte("another key, another key, another")).OpenPageToken("jobs of AC1", token)
		require.False(t, ok)
	}
	_, ok := links.OpenPageToken("a", links.PageToken("a\x00b", "c"))
	require.False(t, ok)
}

func TestAnAlteredPageTokenIsRejected(t *testing.T) {
	token := links.PageToken("jobs of AC1", "12")
	for _, altered := range alterations(t, strings.TrimPrefix(token, "PT")) {
		_, ok := links.OpenPageToken("jobs of AC1", "PT"+altered)
		require.False(t, ok, "%q", altered)
	}
	for _, junk := range []string{"", "P", "PT", "PTA", "PT%", "PTAAAAAAAAAAAAAAA", "pt" + token[2:]} {
		_, ok := links.OpenPageToken("jobs of AC1", junk)
		require.False(t, ok, "%q", junk)
	}
}

// Links that were e-mailed before an update stay valid after it, and an
// Idempotency-Key still names the same export.
func TestLinksAreTheSameInEveryVersion(t *testing.T) {
	id := strings.Repeat("0af9", 8)
	for got, want := range map[string]string{
		links.Token(schema.ToConfirm, "EX"+id, 2):                 "CvkK-Qr5CvkK-Qr5CvkK-QAAAAKZLgSRhScHJ7C2mRl-xQ0lDy1rQxrC6-LVKUzsP0V-zQ",
		links.Token(schema.ToStop, "EX"+id, 1):                    "CvkK-Qr5CvkK-Qr5CvkK-QAAAAEn0aCnHh8msQDvQs2fGx-sQqbw3NPYG4__-1tH6If3gw",
		links.Token(schema.ToDownload, "EX"+id, 1):                "CvkK-Qr5CvkK-Qr5CvkK-QAAAAHK6s_GMyWVYvRiqoDLHQ0MOOeBM2b329E6-88dagLofg",
		links.Token(schema.ToUnsubscribe, "US"+id, 1):             "CvkK-Qr5CvkK-Qr5CvkK-QAAAAHseWdFe7KTVn5cR4QAu0vb3rHRlLVi9CnGP6CP3UQjuA",
		links.FileSignature("DF"+id, "US"+id, 1772323200):         "777a33dac14d128e8fe6c0e27b004e04f8ee018fdd94b7aa9d763814aa57b4da",
		links.PageToken("jobs of AC1", "12"):                      "PT4ysq_2LAIkimEDlfMTI",
		schema.ExportIDFor([]byte("secret"), "AC1", "US1", "key"): "EX1bda2550c26cfd230c16f75ebf060427",
	} {
		require.Equal(t, want, got)
	}
}

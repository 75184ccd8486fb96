package mail

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"satchel/schema"
)

var update = flag.Bool("update", false, "update the golden files")

// sampleData returns the data of an email of this kind.
func sampleData(kind Kind) Data {
	requested := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	done := requested.Add(95*time.Minute + 42*time.Second)
	const site = "https://app.acme.example"
	const token = "AAECAwQFBgcICQoLDA0ODwAAAAHk3QpX2rVb1mB8YwN-f0tS5o1Zk_7uJc9LxQaRhTgWvA"
	d := Data{
		AccountName:      "Acme Telecom",
		AccountID:        "AC0123456789abcdef0123456789abcdef",
		ExportID:         "EX00112233445566778899aabbccddeeff",
		RequestedBy:      Recipient,
		Requester:        "Ada Lovelace",
		Brand:            Brand{Name: "Acme", Support: "support@acme.example"},
		Link:             site + "/confirm/" + token,
		StopLink:         site + "/stop/" + token,
		PageLink:         site + "/settings/data-export",
		RequestedAt:      requested,
		ConfirmBy:        requested.Add(24 * time.Hour),
		CompletedAt:      done,
		ExpiresAt:        done.Add(24 * time.Hour),
		AvailableAgainAt: done.Add(24 * time.Hour),
		Size:             868_123_456,
		Records:          1_000_000,
		SHA256:           "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Category:         "phoneNumbers",
		categories:       []schema.Category{"account", "users", "calls", "phoneNumbers", "voipProviders"},
	}
	switch kind {
	case Notice:
		d.RequestedBy = OwnerOrAdmin
	case Ready:
		d.Link = site + "/download/" + token
	case JobRequested, JobEnded:
		d.ExportID, d.JobID = "", "JS8899aabbccddeeff0011223344556677"
		d.PageLink = site + "/settings/bulk-export"
		d.Type, d.Start, d.End = schema.Calls, "2026-01-01", "2026-01-31"
		d.RequestedBy, d.UnsubscribeLink = OwnerOrAdmin, site+"/unsubscribe/"+token
	}
	if kind == JobEnded {
		d.JobName, d.DaysWithRecords, d.DaysEmpty, d.DaysFailed = "January & <b>audit</b>", 28, 2, 1
		d.Retention, d.ExpiresAt = 7*24*time.Hour, requested.Add(7*24*time.Hour)
		d.UnsubscribeLink, d.Requester = "", "" // the address may be anyone's
	}
	return d
}

func mustRender(t *testing.T, kind Kind, d Data) (subject, html, text string) {
	t.Helper()
	subject, html, text, err := render(kind, d)
	require.NoError(t, err)
	return subject, html, text
}

func TestEmailsMatchTheirGoldenFiles(t *testing.T) {
	for _, kind := range Kinds {
		subject, html, text := mustRender(t, kind, sampleData(kind))
		for ext, got := range map[string]string{".html": html, ".txt": "Subject: " + subject + "\n\n" + text} {
			golden := filepath.Join("testdata", string(kind)+ext)
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got, "%s: if the change is intended, run the test with -update", golden)
		}
	}
}

func TestAConfirmationNamesEveryCategory(t *testing.T) {
	_, page, text, err := Render(Confirmation, sampleData(Confirmation))
	require.NoError(t, err)
	for _, s := range []string{visibleText(t, page), text} {
		require.Contains(t, collapseSpace(s), "One JSON file with your "+categoryList(schema.Categories)+".")
	}
}

func TestARetriedEmailHasTheSameBytes(t *testing.T) {
	elsewhere := time.FixedZone("elsewhere", 5*3600)
	for _, kind := range Kinds {
		subject, html, text := mustRender(t, kind, sampleData(kind))
		d := sampleData(kind)
		d.RequestedAt, d.ConfirmBy = d.RequestedAt.In(elsewhere), d.ConfirmBy.In(elsewhere)
		d.CompletedAt, d.ExpiresAt = d.CompletedAt.In(elsewhere), d.ExpiresAt.In(elsewhere)
		for range 20 {
			again, html2, text2 := mustRender(t, kind, d)
			require.Equal(t, []string{subject, html, text}, []string{again, html2, text2})
		}
	}
}

func TestHTMLAndTextHoldTheSameFacts(t *testing.T) {
	const asked, confirmBy = "Saturday, 28 February 2026, 12:00 UTC", "Sunday, 1 March 2026, 12:00 UTC"
	const expires = "Sunday, 1 March 2026, 13:35:42 UTC"
	const bulk = "https://app.acme.example/settings/bulk-export"
	const page, stop = "https://app.acme.example/settings/data-export", "https://app.acme.example/stop/AAEC"
	wantFacts := map[Kind][]string{
		Confirmation: {"https://app.acme.example/confirm/AAEC", stop, asked, confirmBy, "You requested", "24 hours", "phone numbers", "VoIP providers", "Nothing is exported unless you confirm", "You can ignore this email", "Passwords"},
		Notice:       {stop, page, asked, confirmBy, "Ada Lovelace requested", "nothing you need to do"},
		Ready:        {"https://app.acme.example/download/AAEC", page, asked, expires, "24 hours", "868.1 MB (868,123,456 bytes)", "1,000,000", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "deleted"},
		Failed:       {page, asked, "We could not read your phone numbers. Please request a new export.", "No file was created"},
		Lapsed:       {page, asked, confirmBy, "24 hours", "Nothing was exported"},
		JobRequested: {bulk, "https://app.acme.example/unsubscribe/AAEC", asked, "Ada Lovelace requested the calls", "31 days", "2026-01-01", "2026-01-31", "Delete the job", "rotate the auth token or the API key"},
		JobEnded:     {bulk, asked, "January & <b>audit</b>", "28 days", "2 days", "1 day could not be exported", "7 days", "Saturday, 7 March 2026, 12:00 UTC", "GET /v1/Exports/Calls/Days/2026-01-01", "this address was given"},
	}
	for _, kind := range Kinds {
		d := sampleData(kind)
		_, page, text := mustRender(t, kind, d)
		page, text = collapseSpace(visibleText(t, page)), collapseSpace(text)
		e := builders[kind](d)
		want := append([]string{"Hello,", e.Footer, d.AccountName, d.AccountID, d.ExportID + d.JobID}, wantFacts[kind]...)
		want = append(want, e.Intro...)
		want = append(want, e.Action.Label, e.Action.URL)
		for _, f := range e.Facts {
			want = append(want, f.Label, f.Value)
		}
		for _, s := range e.Sections {
			want = append(append(want, s.Heading), s.Paragraphs...)
			if s.Link != nil {
				want = append(want, s.Link.Label, s.Link.URL)
			}
		}
		if e.Unsubscribe != nil {
			want = append(want, e.Unsubscribe.Label, e.Unsubscribe.URL)
		}
		for _, fact := range want {
			require.Contains(t, page, fact, "%s, HTML", kind)
			require.Contains(t, text, fact, "%s, text", kind)
		}
	}
}

func TestEmailsLoadNothingAndLinkOnlyToTheGivenURLs(t *testing.T) {
	addresses := regexp.MustCompile(`(?i)https?:[^\s"<>]*`)
	for _, kind := range Kinds {
		d := sampleData(kind)
		subject, page, text := mustRender(t, kind, d)
		given := []string{d.Link, d.StopLink, d.PageLink, d.UnsubscribeLink}
		for _, found := range addresses.FindAllString(subject+" "+page+" "+text, -1) {
			require.Contains(t, given, found)
		}
		require.NotRegexp(t, `(?i)<(img|script|link|iframe|object|video|audio|form|base|svg)\b|url\(|@import|@font-face|\bsrc=|background=`, page)
		require.Less(t, len(page), 100_000)
		require.Less(t, len(text), 10_000)
		require.True(t, utf8.ValidString(page) && utf8.ValidString(text))
	}
}

func TestTextLinesAreShortAndLinksStandAlone(t *testing.T) {
	for _, kind := range Kinds {
		d := sampleData(kind)
		_, _, text := mustRender(t, kind, d)
		require.True(t, strings.HasSuffix(text, "\n"))
		require.NotContains(t, text, "\n\n\n")
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			require.Equal(t, strings.TrimRightFunc(line, unicode.IsSpace), line, "space at the end")
			if strings.Contains(line, "://") {
				require.Contains(t, []string{d.Link, d.StopLink, d.PageLink, d.UnsubscribeLink}, line)
			} else if !strings.Contains(line, d.SHA256) {
				require.LessOrEqual(t, utf8.RuneCountInString(line), lineLength)
			}
		}
	}
}

func TestUntrustedNamesAreEscaped(t *testing.T) {
	hostile := "<script>alert(1)</script>\r\nBcc: eve@evil.example\u202egpj.exe\u2066\u200b \x00\x1b[31m" +
		"{{.Link}} \"quoted\" & HTTPS://evil.example/ javascript://x\u2028end\xff"
	for _, kind := range Kinds {
		d := sampleData(kind)
		d.AccountName, d.Requester, d.JobName, d.Category = hostile, hostile, hostile, "\u202ecalls<b>"
		subject, page, text := mustRender(t, kind, d)
		require.NotContains(t, page+text+subject, "evil.example", "a mail program would make a link of it")
		require.NotContains(t, page+text+subject, "eve@evil", "a mail program would make a link of it")
		unbroken := strings.NewReplacer("\u200b", "")
		subject, page, text = unbroken.Replace(subject), unbroken.Replace(page), unbroken.Replace(text)
		require.NotContains(t, page, "<script")
		require.NotContains(t, page, "<b>")
		require.Contains(t, visibleText(t, page), "<script>alert(1)</script> Bcc: eve@evil.example")
		require.Contains(t, collapseSpace(text), "<script>alert(1)</script> Bcc: eve@evil.example")
		require.NotContains(t, strings.ToLower(page+text+subject), "https://evil")
		require.NotContains(t, page+text+subject, "javascript:")
		for _, s := range []string{subject, page, text} {
			require.True(t, utf8.ValidString(s))
			for _, r := range s {
				require.False(t, unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) || r == '\u200b' || r == '\u2028', "%U", r)
			}
		}
		require.NotContains(t, subject, "\n")
		require.Less(t, utf8.RuneCountInString(subject), 150)
	}
}

func TestInternationalNamesAreKept(t *testing.T) {
	for _, name := range []string{"José Ñandú", "李小龍", "דנה כהן", "نیم\u200cفاصله", "Zoë & O’Brien", "👩\u200d💻 Team"} {
		require.Equal(t, name, sanitize(name, maxName))
	}
	require.Equal(t, "", sanitize(" \u200b\u202e\n ", maxName))
	require.Equal(t, strings.Repeat("é", 79)+"…", sanitize(strings.Repeat("é", 200), 80))
	require.Equal(t, strings.Repeat("é", 80), sanitize(strings.Repeat("é", 80), 80))
}

func TestALongReasonIsCut(t *testing.T) {
	d := sampleData(Failed)
	d.Reason = strings.Repeat("é", 1000)
	_, page, text := mustRender(t, Failed, d)
	for _, s := range []string{page, text} {
		require.Contains(t, s, strings.Repeat("é", 299)+"…")
		require.NotContains(t, s, strings.Repeat("é", 300))
	}
}

func TestEmailsRenderWithoutNames(t *testing.T) {
	for _, kind := range Kinds {
		d := sampleData(kind)
		d.AccountName, d.AccountID, d.ExportID, d.JobID, d.JobName = "\u202e", "", " ", "", "\n"
		subject, page, text := mustRender(t, kind, d)
		require.Contains(t, subject, "your account")
		require.Contains(t, page, ">Hello,<")
		require.True(t, strings.HasPrefix(text, "Hello,\n"))
		require.NotContains(t, text, "  \n")
	}
}

func TestEmailsNameTheRequester(t *testing.T) {
	for asker, says := range map[Requester]string{
		OwnerOrAdmin: "Ada Lovelace requested a complete copy",
		Recipient:    "You requested a complete copy",
		APIClient:    "A program with the account's API credentials requested a complete copy",
	} {
		d := sampleData(Confirmation)
		d.RequestedBy = asker
		_, _, text := mustRender(t, Confirmation, d)
		require.Contains(t, collapseSpace(text), says)
		d.Requester = ""
		_, _, text = mustRender(t, Confirmation, d)
		require.Contains(t, collapseSpace(text), strings.Replace(says, "Ada Lovelace", "An owner or admin", 1))
		require.Equal(t, asker == APIClient, strings.Contains(text, "Requested by:"))
	}
}

func TestMissingOrInvalidDataIsAnError(t *testing.T) {
	without := func(change func(*Data)) Data { d := sampleData(""); change(&d); return d }
	job := func(change func(*Data)) Data { d := sampleData(JobRequested); change(&d); return d }
	for name, c := range map[string]struct {
		kind Kind
		data Data
		says string
	}{
		"kind":         {"birthday", Data{}, "no such kind"},
		"link":         {Ready, without(func(d *Data) { d.Link = "" }), "Link is missing"},
		"stop link":    {Notice, without(func(d *Data) { d.StopLink = "" }), "StopLink is missing"},
		"page link":    {Lapsed, without(func(d *Data) { d.PageLink = "" }), "PageLink is missing"},
		"scheme":       {Confirmation, without(func(d *Data) { d.Link = "javascript:alert('seekrit')" }), "Link is not a web address"},
		"relative":     {Confirmation, without(func(d *Data) { d.Link = "/confirm/seekrit" }), "Link is not a web address"},
		"homograph":    {Confirmation, without(func(d *Data) { d.StopLink = "https://аcme.example/seekrit" }), "StopLink is not a web address"},
		"line break":   {Confirmation, without(func(d *Data) { d.Link += "\nseekrit" }), "Link is not a web address"},
		"quote":        {Confirmation, without(func(d *Data) { d.Link += "'seekrit" }), "Link is not a web address"},
		"backslash":    {Confirmation, without(func(d *Data) { d.Link += `\seekrit` }), "Link is not a web address"},
		"long link":    {Confirmation, without(func(d *Data) { d.Link += strings.Repeat("seekrit", 300) }), "Link is not a web address"},
		"other scheme": {Confirmation, without(func(d *Data) { d.Link = "ftp://acme.example/seekrit" }), "Link is not a web address"},
		"password":     {Confirmation, without(func(d *Data) { d.Link = "https://acme.example@evil.example/seekrit" }), "Link is not a web address"},
		"expiry":       {Ready, without(func(d *Data) { d.ExpiresAt = time.Time{} }), "ExpiresAt is missing"},
		"unsubscribe":  {JobRequested, job(func(d *Data) { d.UnsubscribeLink = "" }), "UnsubscribeLink is missing"},
		"type":         {JobRequested, job(func(d *Data) { d.Type = "seekrit" }), "Type, Start and End"},
		"days":         {JobEnded, job(func(d *Data) { d.End = "2025-12-31" }), "Type, Start and End"},
		"no day":       {JobEnded, job(func(d *Data) { d.Start = "" }), "Type, Start and End"},
		"hash":         {Ready, without(func(d *Data) { d.SHA256 = "seekrit" }), "SHA256 is not"},
	} {
		_, _, _, err := Render(c.kind, c.data)
		require.ErrorContains(t, err, c.says, name)
		require.NotContains(t, err.Error(), "seekrit", name)
	}
}

func TestOptionalLinksCanBeLeftOut(t *testing.T) {
	d := sampleData(Confirmation)
	d.StopLink = ""
	_, _, text := mustRender(t, Confirmation, d)
	require.NotContains(t, text, "stop")
	d = sampleData(Ready)
	d.PageLink, d.AvailableAgainAt = "", time.Time{}
	_, _, text = mustRender(t, Ready, d)
	require.NotContains(t, text, "Open Data Export")
	require.NotContains(t, collapseSpace(text), "a new export")
	d.AvailableAgainAt = d.ExpiresAt.Add(time.Hour)
	_, _, text = mustRender(t, Ready, d)
	require.Contains(t, collapseSpace(text), "You can request a new export from Sunday, 1 March 2026, 14:35:42 UTC.")
	_, _, text = mustRender(t, Notice, d)
	require.NotContains(t, text, "already been created")
}

func TestAJobsEmailCountsItsDaysByOutcome(t *testing.T) {
	for _, c := range []struct {
		written, empty, missing int
		subject, says           string
		fetch                   bool
	}{
		{31, 0, 0, "The bulk export for Acme Telecom is ready", "The calls of Acme Telecom are ready", true},
		{0, 31, 0, "The bulk export for Acme Telecom is ready", "The file of a day without records is empty.", true},
		{28, 1, 2, "The bulk export for Acme Telecom is ready, except for 2 days", "partly ready: 29 of 31 days, from 2026-01-01 to 2026-01-31 (UTC)", true},
		{0, 0, 31, "The bulk export for Acme Telecom could not be completed", "no file with the calls of Acme Telecom could be created", false},
	} {
		d := sampleData(JobEnded)
		d.DaysWithRecords, d.DaysEmpty, d.DaysFailed = c.written, c.empty, c.missing
		subject, _, text := mustRender(t, JobEnded, d)
		require.Equal(t, c.subject, subject)
		require.Contains(t, collapseSpace(text), c.says)
		require.Equal(t, c.fetch, strings.Contains(text, "GET /v1/Exports/"))
		require.Equal(t, c.fetch, strings.Contains(text, "Available until"))
	}
}

func TestLongJobNamesAreCut(t *testing.T) {
	d := sampleData(JobEnded)
	d.JobName = strings.Repeat("é", 256)
	_, page, text := mustRender(t, JobEnded, d)
	for _, s := range []string{page, text} {
		require.Contains(t, s, strings.Repeat("é", 99)+"…")
		require.NotContains(t, s, strings.Repeat("é", 100))
	}
}

// visibleText returns the text that an HTML page shows, with spaces between blocks.
func visibleText(t *testing.T, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	var out strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			out.WriteString(n.Data)
		}
		if n.Data == "head" || n.Type == html.ElementNode && strings.Contains(attr(n, "style"), "display:none") {
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		out.WriteByte(' ')
	}
	walk(root)
	return out.String()
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func collapseSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

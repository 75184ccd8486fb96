package browser

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"satchel/dev/mailbox"
)

// letter waits for the mail to somebody about an export that leads to the path.
func letter(t *testing.T, export, to, path string) (found mailbox.Message) {
	t.Helper()
	require.Eventually(t, func() bool {
		res, err := http.Get(strings.TrimRight(stack(t).Demo.MailboxURL, "/") + "/messages")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		var all []mailbox.Message
		require.NoError(t, json.NewDecoder(res.Body).Decode(&all))
		for _, m := range all {
			if strings.Contains(m.Text, export) && strings.Contains(m.Text, path) && strings.Contains(strings.Join(m.To, " "), to) {
				found = m
				return true
			}
		}
		return false
	}, patience, 50*time.Millisecond, "a mail that leads to %s", path)
	return found
}

// link is the address in a mail that leads to the path.
func link(t *testing.T, m mailbox.Message, path string) string {
	t.Helper()
	for word := range strings.FieldsSeq(m.Text) {
		if strings.HasPrefix(word, "http") && strings.Contains(word, path) {
			return word
		}
	}
	require.FailNow(t, "the mail leads nowhere to "+path)
	return ""
}

// openMail goes to the mailbox, finds the mail in its list and opens it.
func (b *tab) openMail(m mailbox.Message) {
	b.t.Helper()
	b.navigate(stack(b.t).Demo.MailboxURL)
	b.click(fmt.Sprintf(`a[data-mail=%q]`, m.ID))
	b.untilThere("#mail")
}

// asMailed opens a mail by itself, as nothing but its own HTML.
func asMailed(t *testing.T, m mailbox.Message) *tab {
	t.Helper()
	b := visit(t)
	b.navigate("data:text/html;charset=utf-8;base64," + base64.StdEncoding.EncodeToString([]byte(m.HTML)))
	return b
}

// followMail clicks the link to the path in the open mail, and returns the tab
// in which it opens.
func (b *tab) followMail(path string) *tab {
	b.t.Helper()
	opened := chromedp.WaitNewTarget(b.ctx, func(i *target.Info) bool { return i.Type == "page" })
	b.clickInMail(path)
	select {
	case id := <-opened:
		return open(b.t, b.ctx, b.watch, chromedp.WithTargetID(id))
	case <-time.After(patience):
		require.FailNow(b.t, "the link opened nothing")
		return nil
	}
}

// clickInMail clicks the first link to the path in the open mail.
func (b *tab) clickInMail(path string) {
	b.t.Helper()
	ctx, cancel := within(b.ctx)
	defer cancel()
	var found *chromedp.Node
	require.Eventually(b.t, func() bool { // the mail comes after the page around it
		found = findInMail(ctx, path)
		return found != nil
	}, patience, 50*time.Millisecond, "no link to %s in the mail", path)
	b.do("click the link in the mail", chromedp.MouseClickNode(found))
}

func findInMail(ctx context.Context, path string) *chromedp.Node {
	frames, err := chromedp.Run(ctx, chromedp.Nodes(chromedp.CSS("#mail")))
	if err != nil {
		return nil
	}
	links, err := chromedp.Run(ctx, chromedp.Nodes(chromedp.CSSAll("a"), chromedp.FromNode(frames[0]), chromedp.Populate(-1, true), chromedp.AtLeast(0)))
	if err != nil {
		return nil
	}
	for _, link := range links {
		if strings.Contains(link.AttributeValue("href"), path) {
			return link
		}
	}
	return nil
}

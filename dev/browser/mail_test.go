package browser

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"satchel/dev/fixture"
	"satchel/dev/mailbox"
)

// awaitMail waits for the mail to an address about an export with a link to the path.
func awaitMail(t *testing.T, export, to, path string) mailbox.Message {
	t.Helper()
	return shared.Stack(t).AwaitMail(t, to, func(m mailbox.Message) bool {
		return strings.Contains(m.Text, export) && strings.Contains(m.Text, path)
	})
}

// linkIn returns the link to the path in a mail.
func linkIn(t *testing.T, m mailbox.Message, path string) string {
	t.Helper()
	link := fixture.LinkIn(m, path)
	require.NotEmpty(t, link, "the mail has no link to %s", path)
	return link
}

// openMail opens the mailbox and clicks the mail in its list.
func (b *tab) openMail(m mailbox.Message) {
	b.t.Helper()
	b.navigate(shared.Stack(b.t).Demo.MailboxURL)
	b.click(fmt.Sprintf(`a[data-mail=%q]`, m.ID))
	b.waitFor("#mail")
}

// mailTab opens the HTML of a mail by itself.
func mailTab(t *testing.T, m mailbox.Message) *tab {
	t.Helper()
	b := newTab(t)
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
		return open(b.t, b.ctx, b.problems, chromedp.WithTargetID(id))
	case <-time.After(timeout):
		require.FailNow(b.t, "the link opened no tab")
		return nil
	}
}

// clickInMail clicks the first link to the path in the open mail.
func (b *tab) clickInMail(path string) {
	b.t.Helper()
	ctx, cancel := withTimeout(b.ctx)
	defer cancel()
	var found *chromedp.Node
	require.Eventually(b.t, func() bool { // the frame of the mail loads after the page
		found = findInMail(ctx, path)
		return found != nil
	}, timeout, 50*time.Millisecond, "no link to %s in the mail", path)
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

package browser

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"satchel/dev/tools"
)

// chromium is one browser for all tests of the package. Each test has a profile of
// its own, like a private window.
var chromium struct {
	sync.Once
	ctx  context.Context
	stop context.CancelFunc
	dir  string
	err  error
}

// browser returns the browser, and starts it unless it runs.
func browser(t *testing.T) context.Context {
	t.Helper()
	chromium.Do(func() { chromium.err = startChromium() })
	require.NoError(t, chromium.err)
	return chromium.ctx
}

func startChromium() error {
	program, err := tools.FindChromium()
	if err != nil {
		return err
	}
	if chromium.dir, err = os.MkdirTemp("", "satchel-chromium-"); err != nil {
		return err
	}
	allocator, free := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(program), chromedp.UserDataDir(chromium.dir), chromedp.Env("HOME="+chromium.dir),
		chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.NoSandbox, // it does not work as root; all pages are from this repository
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-timer-throttling", true), // tabs in the background are not slowed down
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-features", "IsolateSandboxedIframes,Translate"), // the mailbox shows mails in such frames
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("password-store", "basic"),
		chromedp.WindowSize(1280, 900),
	)
	ctx, cancel := chromedp.NewContext(allocator)
	chromium.ctx, chromium.stop = ctx, func() { cancel(); free() }
	if err := chromedp.Do(ctx); err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	return nil
}

// stopChromium ends the browser and removes its data.
func stopChromium() error {
	if chromium.stop == nil {
		return nil
	}
	ending, cancel := context.WithTimeout(chromium.ctx, 10*time.Second)
	defer cancel()
	_ = chromedp.Cancel(ending) // stop kills it if it does not close
	chromium.stop()
	return os.RemoveAll(chromium.dir)
}

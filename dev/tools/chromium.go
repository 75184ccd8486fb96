package tools

import (
	"errors"
	"os/exec"
)

// Chromium is the browser of the browser tests.
var Chromium = Program{Name: "Chromium", Packages: "chromium", Missing: func() bool { return chromiumOnPath() == "" }}

// FindChromium returns the path of Chromium, under any of its names.
func FindChromium() (string, error) {
	if path := chromiumOnPath(); path != "" {
		return path, nil
	}
	return "", errors.New("this machine has no Chromium: install it with `" + Chromium.installCommand() + "`, or put chromium, chromium-browser or google-chrome on PATH")
}

func chromiumOnPath() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

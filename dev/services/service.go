package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Spec says how to run a part.
type Spec struct {
	Name  string   // in messages: "Postgres"
	Path  string   // of the program
	Args  []string // without the program's own name
	Env   []string // the whole environment
	Log   string   // file that takes stdout and stderr, appended
	Stop  os.Signal
	Grace time.Duration // between the stop signal and SIGKILL; 20 s where it is 0

	// Prepare, where set, runs before each start.
	Prepare func(ctx context.Context) error
	// Ready answers nil once the part does its work. It is asked again and
	// again until then.
	Ready func(ctx context.Context) error
	// Patience is how long a start may take; a minute where it is 0.
	Patience time.Duration

	as identity
}

// Service is a program that this one started, or will start.
type Service struct {
	spec Spec

	mu   sync.Mutex
	run  *running // nil where it is not running and never was
	gone bool     // Stop or Kill was asked for
}

type running struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // of Wait, once exited is closed
}

// New prepares a part without starting it.
func New(spec Spec) *Service {
	if spec.Stop == nil {
		spec.Stop = syscall.SIGTERM
	}
	if spec.Grace == 0 {
		spec.Grace = 20 * time.Second
	}
	if spec.Patience == 0 {
		spec.Patience = time.Minute
	}
	return &Service{spec: spec}
}

// Name is the part's name in messages.
func (p *Service) Name() string { return p.spec.Name }

// Log is the file that holds the part's output.
func (p *Service) Log() string { return p.spec.Log }

// PID is the process ID of the running part, or 0.
func (p *Service) PID() int {
	if r := p.current(); r != nil && !r.done() {
		return r.cmd.Process.Pid
	}
	return 0
}

// Done is closed when the part, as it was last started, has exited.
func (p *Service) Done() <-chan struct{} {
	if r := p.current(); r != nil {
		return r.exited
	}
	never := make(chan struct{})
	close(never)
	return never
}

// Crashed tells whether the part exited without having been told to.
func (p *Service) Crashed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run != nil && p.run.done() && !p.gone
}

// Start runs the part and returns when it is ready. Where that fails, nothing
// is left running.
func (p *Service) Start(ctx context.Context) error {
	if p.PID() != 0 {
		return fmt.Errorf("%s is running already", p.spec.Name)
	}
	if p.spec.Prepare != nil {
		if err := p.spec.Prepare(ctx); err != nil {
			return err
		}
	}
	r, mark, err := p.launch()
	if err != nil {
		return err
	}
	if err := p.await(ctx, r); err != nil {
		_ = p.Kill() // the reason of the failed start is the one worth telling
		return fmt.Errorf("%s did not start: %w%s", p.spec.Name, err, lastWords(p.spec.Log, mark))
	}
	return nil
}

// Stop asks the part to end and waits for it, killing it when its grace is
// over. Stopping what does not run succeeds.
func (p *Service) Stop() error { return p.end(p.spec.Stop) }

// Kill ends the part with SIGKILL and waits until it is gone.
func (p *Service) Kill() error { return p.end(syscall.SIGKILL) }

// Restart stops the part and starts it again.
func (p *Service) Restart(ctx context.Context) error {
	if err := p.Stop(); err != nil {
		return err
	}
	return p.Start(ctx)
}

func (p *Service) current() *running {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// launch starts the process and returns where its log begins.
func (p *Service) launch() (*running, int64, error) {
	if err := os.MkdirAll(filepath.Dir(p.spec.Log), 0o755); err != nil {
		return nil, 0, fmt.Errorf("make the log directory of %s: %w", p.spec.Name, err)
	}
	log, err := os.OpenFile(p.spec.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open the log of %s: %w", p.spec.Name, err)
	}
	defer log.Close()
	var mark int64
	if info, err := log.Stat(); err == nil {
		mark = info.Size()
	}

	cmd := exec.Command(p.spec.Path, p.spec.Args...)
	cmd.Env, cmd.Dir = p.spec.Env, "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes(p.spec.as, orphanSignal(p.spec.Stop))
	if err := start(cmd); err != nil {
		return nil, 0, fmt.Errorf("start %s: %w", p.spec.Name, err)
	}
	r := &running{cmd: cmd, exited: make(chan struct{})}
	go func() {
		r.err = cmd.Wait()
		close(r.exited)
	}()
	p.mu.Lock()
	p.run, p.gone = r, false
	p.mu.Unlock()
	return r, mark, nil
}

func (p *Service) await(ctx context.Context, r *running) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.spec.Patience, fmt.Errorf("it was not ready after %s", p.spec.Patience))
	defer cancel()
	if p.spec.Ready == nil {
		return nil
	}
	again := time.NewTicker(25 * time.Millisecond)
	defer again.Stop()
	for {
		err := p.spec.Ready(ctx)
		select {
		case <-r.exited:
			return r.ending()
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-r.exited:
			return r.ending()
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		case <-again.C:
		}
	}
}

func (p *Service) end(with os.Signal) error {
	p.mu.Lock()
	r := p.run
	p.gone = true
	p.mu.Unlock()
	if r == nil || r.done() {
		return nil
	}
	if err := r.cmd.Process.Signal(with); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.spec.Name, err)
	}
	select {
	case <-r.exited:
		return nil
	case <-time.After(p.spec.Grace):
	}
	_ = r.cmd.Process.Kill()
	<-r.exited
	return fmt.Errorf("%s did not stop within %s and was killed", p.spec.Name, p.spec.Grace)
}

func (r *running) done() bool {
	select {
	case <-r.exited:
		return true
	default:
		return false
	}
}

func (r *running) ending() error {
	if r.err == nil {
		return errors.New("it ended at once")
	}
	return fmt.Errorf("it ended at once (%w)", r.err)
}

// lastWords is what the log at path says behind mark, at most eight lines.
func lastWords(path string, mark int64) string {
	text, err := os.ReadFile(path)
	if err != nil || int64(len(text)) <= mark {
		return "; its log " + path + " says nothing"
	}
	lines := strings.Split(strings.TrimSpace(string(text[mark:])), "\n")
	if len(lines) > 8 {
		lines = lines[len(lines)-8:]
	}
	return "; its log " + path + " ends with:\n  " + strings.Join(lines, "\n  ")
}

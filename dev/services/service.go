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

// Spec configures a service.
type Spec struct {
	Name  string   // in messages: "Postgres"
	Path  string   // of the program
	Args  []string // without the program's own name
	Env   []string // the whole environment
	Log   string   // file that takes stdout and stderr, appended
	Stop  os.Signal
	Grace time.Duration // between the stop signal and SIGKILL; 0 means 20 s

	// Prepare runs before each start. It may be nil.
	Prepare func(ctx context.Context) error
	// Ready returns nil once the service is up. It is polled until then. If it is
	// nil, the service is ready as soon as its process exists.
	Ready func(ctx context.Context) error
	// StartTimeout limits a start; 0 means a minute.
	StartTimeout time.Duration

	as identity
}

// Service is a child process that was started or can be.
type Service struct {
	spec Spec

	mu      sync.Mutex
	run     *process // the latest; nil before the first start
	stopped bool     // by Stop or Kill
}

type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // of Wait, once exited is closed
}

// New prepares a service without starting it.
func New(spec Spec) *Service {
	if spec.Stop == nil {
		spec.Stop = syscall.SIGTERM
	}
	if spec.Grace == 0 {
		spec.Grace = 20 * time.Second
	}
	if spec.StartTimeout == 0 {
		spec.StartTimeout = time.Minute
	}
	return &Service{spec: spec}
}

// Name returns the service's name in messages.
func (s *Service) Name() string { return s.spec.Name }

// Log returns the path of the file with the service's output.
func (s *Service) Log() string { return s.spec.Log }

// PID returns the process ID of the running service, or 0.
func (s *Service) PID() int {
	if p := s.current(); p != nil && !p.hasExited() {
		return p.cmd.Process.Pid
	}
	return 0
}

// Done returns a channel that is closed when the latest process has exited.
func (s *Service) Done() <-chan struct{} {
	if p := s.current(); p != nil {
		return p.exited
	}
	done := make(chan struct{})
	close(done)
	return done
}

// Crashed reports whether the service exited without Stop or Kill.
func (s *Service) Crashed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run != nil && s.run.hasExited() && !s.stopped
}

// Start starts the service and returns when it is ready. If it fails, no process
// is left running.
func (s *Service) Start(ctx context.Context) error {
	if s.PID() != 0 {
		return fmt.Errorf("%s is running already", s.spec.Name)
	}
	if s.spec.Prepare != nil {
		if err := s.spec.Prepare(ctx); err != nil {
			return err
		}
	}
	p, logOffset, err := s.launch()
	if err != nil {
		return err
	}
	if err := s.awaitReady(ctx, p); err != nil {
		_ = s.Kill() // the error of the start says more
		return fmt.Errorf("%s did not start: %w%s", s.spec.Name, err, logTail(s.spec.Log, logOffset))
	}
	return nil
}

// Stop sends the stop signal, waits for the exit, and kills the service when its
// grace is over. It is no error if the service does not run.
func (s *Service) Stop() error { return s.terminate(s.spec.Stop) }

// Kill sends SIGKILL and waits for the exit.
func (s *Service) Kill() error { return s.terminate(syscall.SIGKILL) }

// Restart stops the service and starts it again.
func (s *Service) Restart(ctx context.Context) error {
	if err := s.Stop(); err != nil {
		return err
	}
	return s.Start(ctx)
}

func (s *Service) current() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run
}

// launch starts the process and returns the offset at which its log begins.
func (s *Service) launch() (*process, int64, error) {
	if err := os.MkdirAll(filepath.Dir(s.spec.Log), 0o755); err != nil {
		return nil, 0, fmt.Errorf("make the log directory of %s: %w", s.spec.Name, err)
	}
	log, err := os.OpenFile(s.spec.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open the log of %s: %w", s.spec.Name, err)
	}
	defer log.Close()
	var logOffset int64
	if info, err := log.Stat(); err == nil {
		logOffset = info.Size()
	}

	cmd := exec.Command(s.spec.Path, s.spec.Args...)
	cmd.Env, cmd.Dir = s.spec.Env, "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = sysProcAttr(s.spec.as, parentDeathSignal(s.spec.Stop))
	if err := start(cmd); err != nil {
		return nil, 0, fmt.Errorf("start %s: %w", s.spec.Name, err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	s.mu.Lock()
	s.run, s.stopped = p, false
	s.mu.Unlock()
	return p, logOffset, nil
}

// awaitReady polls Ready until it returns nil, the process exits, or the start
// times out.
func (s *Service) awaitReady(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.spec.StartTimeout, fmt.Errorf("it was not ready after %s", s.spec.StartTimeout))
	defer cancel()
	if s.spec.Ready == nil {
		return nil
	}
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.spec.Ready(ctx)
		select {
		case <-p.exited:
			return p.exitError()
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return p.exitError()
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

func (s *Service) terminate(signal os.Signal) error {
	s.mu.Lock()
	p := s.run
	s.stopped = true
	s.mu.Unlock()
	if p == nil || p.hasExited() {
		return nil
	}
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", s.spec.Name, err)
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(s.spec.Grace):
	}
	_ = p.cmd.Process.Kill()
	<-p.exited
	return fmt.Errorf("%s did not stop within %s and was killed", s.spec.Name, s.spec.Grace)
}

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

func (p *process) exitError() error {
	if p.err == nil {
		return errors.New("it ended at once")
	}
	return fmt.Errorf("it ended at once (%w)", p.err)
}

// logTail returns the last eight lines, at most, of the log after the offset.
func logTail(path string, offset int64) string {
	text, err := os.ReadFile(path)
	if err != nil || int64(len(text)) <= offset {
		return "; its log " + path + " is empty"
	}
	lines := strings.Split(strings.TrimSpace(string(text[offset:])), "\n")
	if len(lines) > 8 {
		lines = lines[len(lines)-8:]
	}
	return "; its log " + path + " ends with:\n  " + strings.Join(lines, "\n  ")
}

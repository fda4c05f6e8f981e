package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

func deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	replicas := int32(2)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "app:1"}}},
			},
		},
	}
}

func typedWrites(ctx context.Context, config *rest.Config) error {
	client := kubernetes.NewForConfigOrDie(config)
	all := client.AppsV1().Deployments("default")
	made, err := all.Create(ctx, deployment("typed"), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	three := int32(3)
	made.Spec.Replicas = &three
	changed, err := all.Update(ctx, made, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	if *changed.Spec.Replicas != 3 || changed.Generation != 2 {
		return fmt.Errorf("got %d replicas, generation %d", *changed.Spec.Replicas, changed.Generation)
	}
	return all.Delete(ctx, "typed", metav1.DeleteOptions{})
}

func typedInformers(ctx context.Context, config *rest.Config) error {
	client := kubernetes.NewForConfigOrDie(config)
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace("default"))
	maps := factory.Core().V1().ConfigMaps()
	deleted := make(chan string, 1)
	if _, err := maps.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		DeleteFunc: func(object any) { deleted <- object.(*corev1.ConfigMap).Name },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("%v did not sync", kind)
		}
	}
	all := client.CoreV1().ConfigMaps("default")
	made, err := all.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "informed"}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	made.Data = map[string]string{"a": "1"}
	if _, err := all.Update(ctx, made, metav1.UpdateOptions{}); err != nil {
		return err
	}
	lister := maps.Lister().ConfigMaps("default")
	if err := eventually(ctx, "the changed object in the cache", func() (bool, error) {
		found, err := lister.Get("informed")
		return err == nil && found.Data["a"] == "1", nil
	}); err != nil {
		return err
	}
	if err := all.Delete(ctx, "informed", metav1.DeleteOptions{}); err != nil {
		return err
	}
	select {
	case name := <-deleted:
		if name == "informed" {
			return nil
		}
		return fmt.Errorf("%s was deleted", name)
	case <-ctx.Done():
		return fmt.Errorf("the deletion was not seen")
	}
}

// One candidate leads, lets go, and the other takes over.
func leaderElection(ctx context.Context, config *rest.Config) error {
	client := kubernetes.NewForConfigOrDie(config)
	leads := make(chan string, 4)
	candidate := func(ctx context.Context, name string) {
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: &resourcelock.LeaseLock{
				LeaseMeta:  metav1.ObjectMeta{Name: "election", Namespace: "default"},
				Client:     client.CoordinationV1(),
				LockConfig: resourcelock.ResourceLockConfig{Identity: name},
			},
			ReleaseOnCancel: true,
			LeaseDuration:   3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { leads <- name },
				OnStoppedLeading: func() {},
			},
		})
	}
	next := func(wanted string) error {
		select {
		case name := <-leads:
			if name != wanted {
				return fmt.Errorf("%s leads, not %s", name, wanted)
			}
			return nil
		case <-ctx.Done():
			return fmt.Errorf("nobody leads")
		}
	}
	first, release := context.WithCancel(ctx)
	defer release()
	go candidate(first, "first")
	if err := next("first"); err != nil {
		return err
	}
	second, stop := context.WithCancel(ctx)
	defer stop()
	go candidate(second, "second")
	release()
	return next("second")
}

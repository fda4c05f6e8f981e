package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// Widget is a custom kind as a Go program declares one.
type Widget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		Size int `json:"size,omitempty"`
	} `json:"spec"`
	Status struct {
		Seen int `json:"seen,omitempty"`
	} `json:"status,omitempty"`
}

func (in *Widget) DeepCopyObject() runtime.Object {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	return &out
}

type WidgetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Widget `json:"items"`
}

func (in *WidgetList) DeepCopyObject() runtime.Object {
	out := *in
	out.Items = nil
	for _, item := range in.Items {
		out.Items = append(out.Items, *item.DeepCopyObject().(*Widget))
	}
	return &out
}

// Gives each Widget a ConfigMap of its own and says in its status which size it has seen.
type reconciler struct{ client.Client }

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var widget Widget
	if err := r.Get(ctx, request.NamespacedName, &widget); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: widget.Name, Namespace: widget.Namespace}}
	if _, err := controllerutil.CreateOrUpdate(ctx, r.Client, owned, func() error {
		return controllerutil.SetControllerReference(&widget, owned, r.Scheme())
	}); err != nil {
		return ctrl.Result{}, err
	}
	if widget.Status.Seen == widget.Spec.Size {
		return ctrl.Result{}, nil
	}
	widget.Status.Seen = widget.Spec.Size
	return ctrl.Result{}, r.Status().Update(ctx, &widget)
}

func startManager(ctx context.Context, config *rest.Config) (client.Client, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	version := schema.GroupVersion{Group: "example.com", Version: "v1"}
	scheme.AddKnownTypes(version, &Widget{}, &WidgetList{})
	metav1.AddToGroupVersion(scheme, version)
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"},
		LeaderElection: true, LeaderElectionID: "widgets.example.com", LeaderElectionNamespace: "default",
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return nil, err
	}
	if err := ctrl.NewControllerManagedBy(manager).For(&Widget{}).Owns(&corev1.ConfigMap{}).
		Complete(&reconciler{manager.GetClient()}); err != nil {
		return nil, err
	}
	go func() { _ = manager.Start(ctx) }()
	return client.New(config, client.Options{Scheme: scheme})
}

func controllerRuntime(ctx context.Context, config *rest.Config) error {
	remove, err := define(ctx, config, "widgets", "Widget")
	if err != nil {
		return err
	}
	defer remove()
	running, stop := context.WithCancel(ctx)
	defer stop()
	api, err := startManager(running, config)
	if err != nil {
		return err
	}
	key := types.NamespacedName{Namespace: "default", Name: "w"}
	widget := &Widget{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	widget.Spec.Size = 3
	if err := api.Create(ctx, widget); err != nil {
		return err
	}
	if err := eventually(ctx, "the status", func() (bool, error) {
		err := api.Get(ctx, key, widget)
		return widget.Status.Seen == 3, err
	}); err != nil {
		return err
	}
	var owned corev1.ConfigMap
	if err := api.Get(ctx, key, &owned); err != nil {
		return err
	}
	if err := api.Delete(ctx, widget); err != nil {
		return err
	}
	return eventually(ctx, "the end of what it owned", func() (bool, error) {
		err := api.Get(ctx, key, &owned)
		return err != nil && client.IgnoreNotFound(err) == nil, client.IgnoreNotFound(err)
	})
}

"""What a clinic does with risk scores, each as one function: score, explain, find gaps, reconcile, compare, emit."""

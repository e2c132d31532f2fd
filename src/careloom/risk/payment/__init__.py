"""What turns a raw score into what a plan is paid: published factors, a user's own, shares of models, frailty."""
